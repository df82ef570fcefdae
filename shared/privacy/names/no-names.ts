/** Words that are written with a capital and are no part of a person's name. Folded. Places come from compromise's list as well. */
export const NO_NAMES: ReadonlySet<string> = new Set(
  `monday tuesday wednesday thursday friday saturday sunday january february march april may june july august september october november december spring summer autumn winter christmas easter
  montag dienstag mittwoch donnerstag freitag samstag sonnabend sonntag januar februar marz mai juni juli oktober dezember fruhling sommer herbst weihnachten ostern pfingsten
  lundi mardi mercredi jeudi vendredi samedi dimanche janvier fevrier mars avril juin juillet aout septembre octobre novembre decembre printemps ete automne hiver noel paques
  lunes martes miercoles jueves viernes sabado domingo enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre primavera verano otono invierno navidad
  i a an the this that these those it he she we you they his her their our your my its is are was were be been do does did has have had not no yes and or but if when while where what who whom whose which why how
  all any some each every both few many much more most other another such only own same so than too very can will would should could shall might must please in on at to from for of by with without about after before
  between into through during above below up down out off over under again then once here there ok okay hey hi hello thanks thank sorry well now just also still yet maybe perhaps however therefore although because since until unless
  according dear yours sincerely regards best kind cheers one two three four five six seven eight nine ten first second third last next new old good great big small long short high low open free let make take give get go come see look
  ask tell call send use read write run set put add check find keep start stop try need want know think say work
  sir madam customer customers team friend friends colleague colleagues member members everyone guest guests parent parents student students reader readers user users hiring manager committee president chairman chair
  director head chief officer minister secretary mayor king queen prince princess emperor pope bishop duke duchess earl count countess majesty highness honour honor
  court council government parliament congress senate ministry department office agency bureau commission board union party army navy police church bank group company corporation inc ltd llc plc university college school hospital
  institute foundation association society club team league festival conference summit treaty act law code constitution bill article section chapter clause appendix table figure page volume edition version model series
  street avenue road lane square bridge tower park hall house hotel station airport river lake sea ocean mountain mount hill valley island bay beach forest desert north south east west northern southern eastern western central
  english german french spanish italian portuguese dutch russian chinese japanese korean turkish arabic polish greek latin american british european african asian indian irish scottish welsh canadian australian mexican
  internet web windows linux android google microsoft apple amazon facebook twitter github java javascript python typescript node docker excel word outlook chrome firefox email server client error warning note tip todo
  name names date time number address phone mobile fax mail subject message invoice order account card password token key value type status total amount price tax balance payment refund delivery shipping ticket case file
  der die das den dem des ein eine einer einem einen eines kein keine mein meine meiner dein deine sein seine ihr ihre ihrer ihren ihrem unser unsere euer wir ihr sie er es ich du man und oder aber wenn als wie wo was wer wem wen wann warum
  ja nein nicht auch noch nur schon sehr mehr viel viele alle alles jede jeder jedes diese dieser dieses jene nach vor bei mit von aus auf an in im am zum zur zu fur gegen ohne durch um unter uber zwischen hinter neben seit bis wegen
  bitte danke hallo moin gruss grusse grussen freundlichen herzliche viele liebe lieber beste sehr geehrte geehrter geehrten damen herren herr frau kunde kunden kundin kolleginnen kollegen kollege kollegin freunde freundinnen eltern
  mitglieder mitglied gaste leser leserinnen nachbarn schuler schulerinnen teilnehmer teilnehmerinnen mitarbeiter mitarbeiterinnen mitburger genossen familie familien kinder zuschauer zuhorer
  bundesrat bundestag bundesgerichtshof gericht amt behorde ministerium minister ministerin kanzler kanzlerin prasident prasidentin direktor direktorin leiter leiterin vorstand aufsichtsrat betriebsrat verein gesellschaft gmbh ag kg
  firma bank schule universitat klinik krankenhaus kirche strasse platz weg allee haus hof stadt land kreis gemeinde dorf fluss see meer berg wald insel bahn bahnhof flughafen zug bus
  geld zeit tag woche monat jahr morgen abend nacht mittag uhr preis kosten rechnung auftrag bestellung lieferung konto karte nummer datum name adresse telefon handy post brief paket vertrag antrag bescheid akte fall vorgang termin
  arbeit leben mensch menschen mann frau kind vater mutter sohn tochter bruder schwester onkel tante oma opa wasser brot wein bier kaffee kuchen milch fleisch essen sonne regen schnee wind
  le la les un une des du de d l au aux ce cet cette ces mon ma mes ton ta tes son sa ses notre nos votre vos leur leurs je tu il elle on nous vous ils elles et ou mais si que qui quoi dont quand comment pourquoi
  oui non ne pas plus tres tout tous toute toutes chaque autre autres meme aussi encore deja ici avec sans pour par sur sous dans entre chez vers depuis pendant avant apres selon merci bonjour salut bonsoir coucou veuillez cordialement
  cher chere chers cheres monsieur madame messieurs mesdames mademoiselle client clients cliente amis ami amie collegue collegues membre membres equipe famille parents lecteur lecteurs adherents
  directeur directrice ventes president presidente ministre maire roi reine prince princesse duc comte cour conseil senat assemblee nationale gouvernement parlement ministere commission bureau agence banque societe groupe compagnie
  universite ecole college lycee hopital eglise rue avenue boulevard place pont tour parc gare aeroport fleuve riviere lac mer mont montagne ile foret nord sud est ouest republique etat loi code article chapitre section
  nom prenom date adresse numero telephone facture commande compte carte mot objet dossier contrat prix montant total
  el los las unos unas uno una del al lo este esta estos estas ese esa esos esas aquel mi mis tu tus su sus nuestro nuestra vuestro yo ella ellos ellas nosotros usted ustedes y o pero porque cuando como donde cual quien
  si no muy mas menos todo todos toda todas cada otro otra otros otras mismo tambien aun ya aqui alli con sin para por sobre bajo en entre hacia desde hasta durante antes despues segun gracias hola buenos buenas saludos
  estimado estimada estimados estimadas querido querida queridos queridas senor senora senores senoras senorita cliente clientes amigo amiga amigos amigas companeros companeras socio socios vecinos familia
  director directora ventas presidente presidenta ministro ministra alcalde alcaldesa rey reina principe princesa duque conde corte consejo congreso senado gobierno parlamento ministerio comision oficina agencia banco sociedad grupo
  compania universidad escuela colegio instituto hospital iglesia calle avenida plaza paseo puente torre parque estacion aeropuerto rio lago mar monte montana isla bosque norte sur este oeste republica estado ley codigo articulo
  capitulo seccion nombre apellido fecha direccion numero telefono factura pedido cuenta tarjeta asunto expediente contrato precio importe santo santa san sao sankt saint sainte
  berlin hamburg munchen koln frankfurt stuttgart dusseldorf leipzig dresden bremen hannover nurnberg bonn mannheim ulm wien zurich bern basel genf salzburg graz bayern hessen sachsen brandenburg thuringen saarland niedersachsen
  paris lyon marseille bordeaux lille nantes rennes strasbourg toulouse nice grenoble tours dakar bruxelles geneve lausanne bretagne normandie alsace provence corse loire rhone seine
  madrid barcelona sevilla valencia bilbao zaragoza malaga granada cordoba cadiz murcia alicante galicia asturias cantabria navarra andalucia cataluna aragon castilla logrono tetuan oporto lisboa mexico buenos aires bogota lima
  london manchester birmingham leeds bristol liverpool oxford cambridge edinburgh glasgow cardiff belfast dublin york boston chicago houston dallas austin seattle denver portland washington california texas florida virginia georgia
  england scotland wales ireland britain kingdom germany deutschland france frankreich spain spanien italy italien europe europa america amerika africa asia australia canada china india japan russia united nations states
  hoch tief alt neu gross klein lang kurz gut schlecht petit grande gran nuevo nueva viejo mayor menor grand petite nouveau nouvelle vieux vieille bon bonne
  alter teil seite blatt punkt kapitel absatz artikel band ausgabe stelle platz raum zimmer saal wagen gleis gate room seat level
  later soon often sometimes today yesterday tomorrow tonight never always perhaps finally recently today meanwhile instead
  spater bald oft heute gestern damals dann dort hier leider endlich inzwischen zuletzt vielleicht aujourd'hui hier demain souvent parfois ensuite puis enfin hoy ayer luego entonces tal vez nunca siempre finalmente
  person personen personne personnes persona personas people volk leute gens gente
  christ god jesus bible koran torah dios dieu gott vierge virgen`
    .trim()
    .split(/\s+/),
);
