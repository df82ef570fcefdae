/**
 * Decides which words count in a keyword search and which of them are one: stop words have no term, irregular forms take
 * their base's, the rest Porter's stem. English; other languages are left as they are written.
 */
import { stem } from './stem.ts';

const STOP_WORDS = new Set(
  (
    'a about after again all also am an and any are as at be because been before being both but by can could did do does doing ' +
    'done down during each either else ever for from further had has have having he her here hers herself him himself his how ' +
    'however i if in into is it its itself just may me might more most much must my myself neither no nor not now of off on ' +
    'once one only or other our ours ourselves out over own rather same shall she should so some such than that the their ' +
    'theirs them themselves then there these they this those through thus to too under until up upon us very was we were what ' +
    'whatever when where whether which while who whom whose why will with within without would yet you your yours yourself ' +
    'don didn doesn isn wasn aren weren'
  ).split(' '),
);

/** Base forms with what Porter's rules do not bring to them: strong verbs, odd plurals, nouns of doers and of deeds. */
const FAMILIES = `
begin began begun
bear born birth births birthplace birthday birthdate
become became
bite bit bitten
blow blew blown
break broke broken
bring brought
build built builder
buy bought
catch caught
child children
choose chose chosen choice
come came
compete competitor competition
compose composer
create creator
deal dealt
die died death deaths dead dying
direct director directors directorial
draw drew drawn
drink drank drunk
drive drove driven driver
eat ate eaten
edit editor
educate education
fall fell fallen
feel felt
fight fought fighter
find found finding
found founder founders foundation
fly flew flown flight
foot feet
forget forgot forgotten
forgive forgave forgiven
freeze froze frozen
get got gotten
give gave given
go went gone going
grow grew grown growth
hear heard
hide hid hidden
hold held holder
invent inventor invention
keep kept
know knew known
lead led leader
leave left
lend lent
lose lost loss
make made maker
man men
marry married marriage
mean meant
meet met meeting
mouse mice
narrate narrator
paint painter painting
pay paid
perform performer
person people persons
produce producer production
ride rode ridden
ring rang rung
rise rose risen
rule ruler
run ran
say said
see saw seen
seek sought
sell sold seller
send sent
shake shook shaken
shoot shot
show shown
sing sang sung singer
sink sank sunk
sit sat
sleep slept
speak spoke spoken speech
spend spent
stand stood
steal stole stolen
strike struck
swim swam swum
take took taken
teach taught teacher
tear tore torn
tell told
think thought
throw threw thrown
tooth teeth
understand understood
wake woke woken
wear wore worn
win won winner
wife wives
woman women
write wrote written writer
`;

const BASES = new Map<string, string>();
for (const line of FAMILIES.trim().split('\n')) {
  const [base = '', ...forms] = line.split(' ');
  for (const form of forms) BASES.set(form, base);
}

/** Whether a folded word is too common to search by. */
export function isStopWord(word: string): boolean {
  return STOP_WORDS.has(word);
}

/** The term by which a folded word is searched, `undefined` for a stop word. */
export function termOf(word: string): string | undefined {
  return STOP_WORDS.has(word) ? undefined : stem(BASES.get(word) ?? word);
}
