/** Street addresses as English, German, French and Spanish write them, with postcode and town where they follow. */
import type { Finding } from '../findings.ts';

/** A word with a capital. Every repetition below is bounded, and each form begins with a number or a word for a street. */
const WORD = "\\p{Lu}[\\p{L}'.-]{0,30}";
const TOWN =
  "\\p{Lu}[\\p{L}'-]{1,30}(?:[ -](?:(?:am|an der|im|ob der|sur|sous|les|lès|en|la|le|de|del|de la) )?\\p{Lu}[\\p{L}'-]{1,30}){0,3}";
const SMALL_FR = "(?:(?:d[eu]s?|la|les?|aux?|sur|en|et|à) |[ldLD]')";
const SMALL_ES = '(?:(?:del?|las?|los?|el|y|els|les) )';

const EN_TYPES =
  'Street|St|Avenue|Ave|Road|Rd|Lane|Ln|Drive|Dr|Boulevard|Blvd|Court|Ct|Square|Sq|Place|Pl|Way|Terrace|Crescent|Close|Parkway|Pkwy|Highway|Hwy|Row|Gardens|Grove|Mews|Walk|Quay|Circle|Trail';
const EN_POSTCODE = '(?:[A-Z]{2},? \\d{5}(?:-\\d{4})?|[A-Z]{1,2}\\d[A-Z\\d]? ?\\d[A-Z]{2})';
const EN_TOWN = `, ${WORD}(?: ${WORD}){0,3}(?:, ${WORD}(?: ${WORD})?)?,? ${EN_POSTCODE}`;
const EN_UNIT = '(?:,? (?:Apt|Apartment|Suite|Ste|Unit|Flat|Floor|No)\\.? ?\\w{1,5}|,? #\\w{1,5})?';

const DE_NUMBER =
  '\\d{1,3}(?: ?[a-z](?![\\p{L}]))?(?: ?[-/] ?\\d{1,3}(?: ?[a-z](?![\\p{L}]))?)?(?![\\d\\p{L}]|[.,:]\\d)';
const DE_TOWN = `(?:,| ·|\\n)? (?:[A-Z]{1,2}-)?(?:\\d{5}|(?<=, )\\d{4}) ${TOWN}`;
const DE_STREET =
  '(?:\\p{Lu}[\\p{L}]{1,20}(?:er|en|e|es|s) |(?:\\p{Lu}[\\p{L}]{1,20}[.-]? ?){1,2}?)?\\p{Lu}[\\p{L}-]{2,40}(?:straße|strasse|str\\.|weg|allee|platz|gasse|ring|damm|ufer|chaussee|stieg|steig|pfad|graben|promenade|wall|zeile|-(?:Straße|Strasse|Str\\.|Weg|Allee|Platz|Ring|Damm|Ufer|Gasse))';
const DE_TWO_WORDS =
  '(?:\\p{Lu}[\\p{L}]{2,20}(?:er|en|e|es) )(?:Straße|Strasse|Str\\.|Weg|Allee|Platz|Gasse|Ring|Damm|Ufer|Chaussee|Landstraße)';
const DE_AT =
  '(?:An der|Am|An den|Im|In der|In den|Auf dem|Auf der|Zum|Zur|Unter den|Hinter der|Hinter dem|Vor dem|Vor der|Beim)';
/** What a lane that is named after a place ends with, when no postcode says that it is one. */
const DE_PLACE =
  /(?:mühle|markt|berg|bach|wald|hof|kirche|hang|anger|garten|gärten|feld|felde|brunnen|graben|park|ufer|schloss|see|linden?|wall|teich|hafen|wiesen?|acker|grund|rain|dom|turm|mauer|brücke|kamp|busch|hain|deich|weiher|höhe|eck|winkel) \d{1,3} ?[a-z]?$|\d{5} /iu;

const FR_TYPES =
  'rue|avenue|av\\.|boulevard|boul\\.|bd\\.?|allées?|impasse|chemin|place|pl\\.|quai|route|square|passage|sentier|esplanade|faubourg|ruelle|cité|cours|promenade|rond-point|montée|résidence';
const ES_TYPES =
  '[Cc]alle|C/|[Aa]venida|[Aa]vda\\.?|Av\\.|[Pp]aseo|[Pp]laza|Pza\\.?|Pl\\.|[Cc]amino|[Cc]arretera|Ctra\\.?|[Rr]onda|[Tt]ravesía|[Cc]allejón|[Gg]lorieta|(?:Gran )?[Vv]ía|[Rr]ambla|[Cc]arrer|[Pp]asseig|[Pp]laça|[Uu]rbanización';

const FORMS: readonly { rule: string; form: RegExp; confidence: number }[] = [
  {
    rule: 'address_en',
    form: formOf(
      `(?<![\\w.,/$€£#-])\\d{1,5}[A-Za-z]?(?:-\\d{1,4})? (?:[NSEW]\\.? )?(?:${WORD} ){1,4}(?:${EN_TYPES})(?![\\p{L}'])\\.?${EN_UNIT}(?:${EN_TOWN})?`,
    ),
    confidence: 0.9,
  },
  {
    rule: 'address_en_box',
    form: formOf(`(?<!\\p{L})P\\.? ?O\\.? ?[Bb]ox \\d{1,6}(?:${EN_TOWN})?`),
    confidence: 0.92,
  },
  { rule: 'address_de', form: formOf(`(?<![\\p{L}-])${DE_STREET} ${DE_NUMBER}(?:${DE_TOWN})?`), confidence: 0.92 },
  { rule: 'address_de', form: formOf(`(?<![\\p{L}-])${DE_TWO_WORDS} ${DE_NUMBER}(?:${DE_TOWN})?`), confidence: 0.9 },
  {
    rule: 'address_de_at',
    form: formOf(
      `(?<![\\p{L}-])${DE_AT} (?:\\p{Lu}[\\p{L}-]{1,20} )?\\p{Lu}[\\p{L}-]{1,30} ${DE_NUMBER}(?:${DE_TOWN})?`,
    ),
    confidence: 0.85,
  },
  { rule: 'address_de_box', form: formOf(`(?<!\\p{L})Postfach \\d[\\d ]{1,9}\\d(?:${DE_TOWN})?`), confidence: 0.92 },
  {
    rule: 'address_fr',
    form: formOf(
      `(?<![\\w.,/-])\\d{1,4}(?: ?(?:bis|ter|quater|[A-D](?!\\p{L})))?,? (?:${FR_TYPES}) ${SMALL_FR}{0,3}\\p{L}[\\p{L}'.-]{2,30}(?: ${SMALL_FR}{0,2}\\p{Lu}[\\p{L}'.-]{1,30}){0,4}(?:,? \\d{5} ${TOWN})?`,
    ),
    confidence: 0.9,
  },
  { rule: 'address_fr_box', form: formOf(`(?<!\\p{L})(?:BP|B\\.P\\.|CS) ?\\d{2,6},? \\d{5} ${TOWN}`), confidence: 0.9 },
  {
    rule: 'address_es',
    form: formOf(
      `(?<!\\p{L})(?:${ES_TYPES}) ?${SMALL_ES}{0,3}\\p{Lu}[\\p{L}'.-]{1,30}(?: ${SMALL_ES}{0,3}\\p{Lu}[\\p{L}'.-]{1,30}){0,4},? (?:n\\.?[ºo] ?|núm\\.? )?\\d{1,4}(?:[ -]?[A-Z](?!\\p{L}))?(?![\\d\\p{L}]|[.,:]\\d)(?:,? \\d{1,2}\\.?[ºª°](?: ?(?:[A-Z](?!\\p{L})|izq\\.?|dcha\\.?|izquierda|derecha|ctro\\.?|\\d))?)?(?:,? \\d{5} ${TOWN})?`,
    ),
    confidence: 0.9,
  },
  {
    rule: 'address_es_box',
    form: formOf(`(?<!\\p{L})(?:Apartado de [Cc]orreos|Apdo\\.?(?: de [Cc]orreos)?) \\d{1,6}(?:,? \\d{5} ${TOWN})?`),
    confidence: 0.92,
  },
];

/** Seats, jobs and the rest of what ends like a street. */
const NO_STREET =
  /^(?:[\p{L}-]+ )?(?:Sitz|Steh|Arbeits|Park|Stell|Spiel|Sport|Schul|Ausbildungs|Studien|Lager|Speicher|Steck|Camping|Liege|Fenster|Gang|Garten)platz|^(?:Um|Rück|Hin|Aus|Heim|Arbeits|Lösungs|Dienst|Mittel|Feld)weg |^(?:He|Spar|Sprin|Ehe|Oh)ring /iu;

export function findAddresses(text: string): Finding[] {
  const found: Finding[] = [];
  for (const { rule, form, confidence } of FORMS) {
    form.lastIndex = 0;
    for (let match = form.exec(text); match !== null; match = form.exec(text)) {
      if (rule === 'address_de' && NO_STREET.test(match[0])) continue;
      if (rule === 'address_de_at' && !DE_PLACE.test(match[0])) continue;
      const address = match[0].trimEnd();
      found.push({ kind: 'address', start: match.index, end: match.index + address.length, confidence, rule });
    }
  }
  return found;
}

function formOf(source: string): RegExp {
  return new RegExp(source, 'gu');
}
