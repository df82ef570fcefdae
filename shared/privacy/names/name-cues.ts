/** Words beside a name that show that it is one, or that it is the name of something else. All folded: small, without accents. */

function wordsOf(text: string): ReadonlySet<string> {
  return new Set(text.trim().split(/\s+/));
}

/** Before a name, with nothing but a space or a dot between. */
export const TITLES = wordsOf(`
  mr mrs ms miss mx dr drs prof professor sir dame lord judge justice captain capt lieutenant lt sergeant sgt colonel cpl nurse officer detective inspector constable
  councillor senator reverend rev aunt auntie uncle grandma grandpa granny nana coach
  herr herrn frau fraulein hr professorin richterin hauptmann oberst oberstleutnant leutnant pfarrer pfarrerin pastorin tante onkel oma opa doktor
  m mm mme mmes mlle monsieur madame mademoiselle maitre docteur professeur juge capitaine lieutenant mamie papi papy tonton tata oncle abbe
  sr sra srta sres don dona senor senora senorita doctor doctora profesor profesora capitan teniente juez jueza tio tia abuelo abuela`);

/** Before a name, with a space, a comma, a colon or a line's end between. */
export const CUES = wordsOf(`
  dear sister brother husband wife daughter cousin nephew niece colleague neighbour neighbor patient witness named attn signed sincerely regards cheers thanks xoxo
  interviewer interviewee candidate applicant claimant tenant landlord present attendees author attorney cardholder customer client employee
  liebe lieber liebster bruder schwester ehemann ehefrau sohn tochter neffe nichte kollege kollegin nachbar nachbarin patient patientin kunde kundin zeuge zeugin versicherte
  versicherter klager klagerin mieter mieterin bewerber bewerberin heisst namens ansprechpartner ansprechpartnerin gezeichnet grussen grusse gruss anwesend verfasser verfasserin mann
  cher chere soeur frere mari epouse epoux cousine neveu collegue patiente cliente temoin appelle nomme nommee prenomme signe interlocuteur interlocutrice cordialement
  bisous bises bise amicalement distinguees sinceres presents presentes auteur autrice locataire assure assuree voisin voisine
  estimado estimada querido querida hermana hermano marido esposa esposo hijo hija sobrino sobrina primo prima companera companero paciente clienta testigo llama llamado llamada
  firmado contacto atentamente saludo saludos besos abrazo abrazos asistentes presentes autora vecino vecina inquilino titular`);

/** Before two capitalised words, in languages that write nouns small. */
export const WEAK_CUES = wordsOf('by par por segun selon');

/** After a name. */
export const DOES = wordsOf(`
  said says wrote writes asked asks told replied called thinks thinks lives works sagte sagt schrieb schreibt fragte fragt meint meinte wohnt arbeitet dit ecrit
  demande habite travaille pense dijo dice escribio escribe pregunta vive trabaja opina`);

/** Before the name of a thing: `salle Pierre`, `San Sebastián`, `Lake Isabella`. */
export const THINGS = wordsOf(`
  room rooms hall lake mount mt cape fort port hotel cafe restaurant bar pub station airport university college school hospital church chapel castle palace stadium theatre theater museum
  bridge tower park street avenue road lane hurricane storm ship operation project team model version saint st san santa santo sao sankt sainte ste radio prize award cup
  raum saal zimmer hotel gasthaus schloss kirche schule universitat klinik brucke turm stadion strasse platz allee bahnhof flughafen sturm schiff projekt firma burg gymnasium stift marke
  salle rue boulevard place quai pont tour lycee college ecole universite hopital eglise chateau palais stade gare aeroport musee theatre station metro prix tempete projet societe maison groupe cafe ville
  sala calle avenida plaza paseo puente torre instituto escuela colegio universidad hospital iglesia castillo palacio estadio estacion aeropuerto museo teatro premio barrio proyecto empresa grupo banco villa ciudad isla playa rio sierra puerto monte ermita`);

/** After the name of a firm or a place. */
export const FIRMS = wordsOf(`
  inc incorporated ltd limited llc llp plc corp corporation company co group holding holdings bank partners associates brothers sons foundation institute university college school street
  exchange market avenue road lane drive valley hill hills lake river bay beach island islands park bridge house hotel hospital festival award prize cup stadium airport station tower museum center centre church
  county city town state records studios motors airlines industries systems technologies services insurance press books day week month year season edition version
  gmbh ag kg ohg mbh stiftung verlag werke strasse platz allee bank haus hof verein klinik preis pokal
  sa sarl sas sl slu scoop cie fils freres banque editions assurances`);
