/** Given names, as people in countries of English, German, French and Spanish bear them, and those of their neighbours. */

const ENGLISH = `
Aaron Abigail Adam Adrian Aidan Alan Albert Alexander Alexandra Alfred Alice Alison Allison Alvin Amanda Amelia Amy Andrea Andrew Angela Anita Ann Anna Anne
Annie Anthony Archie Arlene Arnold Arthur Ashley Audrey Barbara Barry Beatrice Becky Belinda Ben Benjamin Bernard Bernice Beth Bethany Betsy Betty
Beverley Bonnie Brandon Brenda Brendan Brett Brian Bridget Bruce Bryan Caitlin Callum Cameron Candace Carl Carla Carol Caroline Carolyn Carrie Catherine Cathy
Cecil Cecilia Charles Charlie Chelsea Cheryl Chloe Chris Christine Christopher Cindy Claire Clara Clarence Clarissa Clifford Clive Colin Connor Constance Cora
Corey Craig Crystal Curtis Cynthia Daisy Daniel Danielle Danny Daphne Darren Dave David Dawn Deborah Debra Delroy Denise Dennis Derek Desmond Diana Diane
Dominic Donald Donna Doreen Doris Dorothy Douglas Duncan Dwayne Dwight Dylan Ebony Edgar Edith Edmund Edna Edward Edwin Eileen Elaine Eleanor Elena Eli
Elijah Eliza Elizabeth Ella Ellen Ellie Elliot Elsie Emily Emma Eric Erica Erin Ernest Esther Ethan Ethel Eugene Eunice Eva Evan Evelyn Felicity Fiona
Florence Frances Francis Frederick Gareth Gary Gavin Gemma Geoffrey George Georgina Gerald Geraldine Gilbert Gillian Gina Gladys Glenda Glenn Gloria Gordon
Graham Greg Gregory Greta Gwen Gwendolyn Hamish Hannah Harold Harriet Harry Harvey Hazel Heather Helen Henrietta Henry Herbert Hilary Hilda Horace Howard
Hugh Hugo Ian Imogen Irene Iris Isaac Isabel Isabella Isobel Ivor Jack Jackie Jacob Jacqueline James Jamie Jane Janet Janice Jared Jason Jean Jeffrey
Jenna Jennifer Jenny Jeremy Jerome Jessica Jill Jim Jimmy Joan Joanna Joanne Jocelyn Joe Joel John Johnny Jon Jonathan Joseph Josephine Joshua Joyce Judith Judy
Julia Julian Julie Juliet Justin Karen Kate Katherine Kathleen Kathryn Kathy Katie Kayla Keith Kelly Kelvin Kenneth Kenny Kerry Kevin Kieran Kimberly
Kirsten Kirsty Kristen Kurt Kyle Lachlan Larry Laura Lauren Laurence Lawrence Leah Leanne Leonard Leroy Leslie Lewis Liam Lillian Lily Linda Lindsay
Lisa Lloyd Logan Lois Lorna Lorraine Louis Louisa Louise Lucas Lucille Lucinda Lucy Luke Lydia Lynn Mabel Madeleine Maggie Malcolm Marcia Marcus
Margaret Margery Maria Marian Marianne Marie Marilyn Marion Marjorie Marlene Martha Martin Marvin Mary Matilda Matt Matthew Maureen Maurice Mavis Megan
Melanie Melissa Melvin Meredith Michael Michelle Mike Mildred Millicent Mitchell Mohammed Moira Molly Monica Morgan Muriel Myra Myrtle Nadia Nadine Nancy Naomi
Natalie Nathan Nathaniel Neil Nellie Nicholas Nicola Nicole Nigel Nina Noah Noel Nora Noreen Norma Norman Oliver Olivia Oscar Oswald Owen Pamela Patricia
Patrick Paul Paula Pauline Peggy Penelope Percy Peter Philip Phillip Phoebe Phyllis Polly Priscilla Rachel Ralph Randall Randy Raymond Rebecca Reginald Rhiannon
Rhona Rhys Ricardo Richard Rita Robert Roberta Robin Roderick Rodney Roger Roland Ronald Rory Rosalie Rosalind Rosamund Rosemary Rowena Roxanne Roy Rupert
Russell Ruth Ryan Sabrina Sally Sam Samantha Samuel Sandra Sara Sarah Saul Scott Sean Selena Seth Shannon Sharon Shaun Sheila Shelley Shirley Sidney Siobhan
Simon Sonia Sophia Sophie Stacey Stanley Stella Stephanie Stephen Steve Steven Stewart Stuart Susan Susannah Suzanne Sylvia Tabitha Tamara Tammy Tanya Tara Ted
Terence Teresa Terri Terry Theodora Theodore Theresa Thomas Tiffany Tim Timothy Tina Toby Todd Tom Tommy Tony Tracey Tracy Trevor Trisha Tristan
Una Ursula Valerie Vanessa Vera Vernon Veronica Vicky Vincent Vivian Vivienne Wallace Walter Wanda Warren Wayne Wendy Wesley Wilbur Wilfred William
Willie Winifred Winston Yvette Yvonne Zachary Zara Zoe`;

const GERMAN = `
Achim Adalbert Adelheid Adolf Agathe Agnes Albrecht Alfons Alina Alois Amelie Andreas Angelika Anja Anke Anna-Lena Annabell Anneliese Annegret Annelie Annemarie
Annett Annette Annika Anselm Antje Anton Antonia Armin Arne Arno Arndt Astrid August Axel Babette Bärbel Barbara Bastian Beate Benedikt Benno Bernd Bernhard
Bernhardt Berta Bertha Berthold Bettina Birgit Birte Björn Bodo Boris Britta Brigitte Brunhilde Bruno Burkhard Carina Carola Carsten Caspar Charlotte Christa Christel Christian
Christiane Christina Christof Christoph Clemens Conny Constanze Cornelia Dagmar Daniela Detlef Detlev Diemut Dieter Dietmar Dietrich Dirk Dörte Doris Dorothea Dorothee Eberhard
Eckart Eckhard Edeltraud Edgar Egon Ekkehard Elfriede Elisabeth Elke Elli Elmar Else Emil Emilia Erhard Erich Erika Ernestine Erna Erwin Eugen Evelin Ewald Fabian
Felix Ferdinand Finn Florian Franz Franziska Frauke Frederike Frieda Friederike Friedhelm Friedrich Fritz Georg Gerd Gerda Gerhard Gerlinde Gero Gertrud Gesa Gisela Gottfried
Götz Gregor Gudrun Guido Gunnar Günter Günther Gustav Hannelore Hannes Hans Hansjörg Harald Hartmut Hartwig Hedwig Heide Heidi Heidrun Heike Heiko Heiner Heinrich Heinz
Helena Helene Helga Helge Hella Hellmut Helmut Hendrik Henning Henrike Henriette Herbert Hermann Hermine Herta Hildegard Hilke Hinrich Holger Horst Hubert Hubertus Ilka Ilona Ilse Imke
Ines Inga Inge Ingeborg Ingo Ingrid Irena Irma Irmgard Isabell Isolde Jakob Jan Jana Janina Jens Joachim Jochen Johann Johanna Johannes Jonas Jörg Josef Josefine
Judith Julius Jürgen Juliane Jutta Kai Karin Karl Karl-Heinz Karla Karlheinz Karola Karsten Kaspar Katarina Katharina Kathrin Katja Katrin Kerstin Kilian Kirstin Klara Klaus Konrad Konstantin
Konstanze Korbinian Kordula Kristin Kristina Lars Lasse Laurenz Leni Lennart Leon Leonhard Leonie Leopold Lieselotte Lena Lennard Liesel Liesl Linus Liselotte Lothar Lotte Ludger Ludwig Luis
Lukas Luise Luisa Lutz Maik Maja Malte Manfred Manuela Marco Marcel Mareike Margarete Margarethe Margit Margot Mariele Marika Marina Mario Marita Marius Markus Marlies Marta
Martina Mathias Mathilde Matthias Max Maximilian Mechthild Meike Meinhard Melina Merle Michaela Mia Mirjam Mirko Monika Moritz Nadja Nele Niklas Niko Nikolaus Nils Norbert Olaf Oskar
Ortrud Oswin Otmar Ottilie Otto Pascal Patrizia Petra Philipp Pia Quirin Rainer Ralf Raphael Raphaela Regina Regine Reimund Reiner Reinhard Reinhold Renate Ricarda Rita Robert Rolf
Roman Ronja Rosemarie Roswitha Rüdiger Rudi Rudolf Rupprecht Ruprecht Sabine Sabrina Sascha Saskia Sebastian Severin Siegbert Siegfried Siegmund Sieglinde Sigrid Silja Silke Silvia Simone Sönke Sonja
Sören Stefan Stefanie Steffen Steffi Susanne Susi Sven Svenja Swantje Tabea Tanja Thea Theo Theodor Theresia Thilo Thorben Thorsten Till Tilman Tim Timo Tobias Torben Torsten Traudel
Traute Udo Ulf Uli Ulla Ulli Ulrich Ulrike Ursel Urs Ute Uta Utz Uwe Valentin Veit Verena Veronika Viktor Viktoria Vinzenz Volker Volkmar Waldemar Walburga Waltraud Wanja Wenzel Werner
Wiebke Wieland Wilfried Wilhelm Wilhelmine Willi Winfried Wolfgang Wolfram Xaver Yannick Yvonne`;

const FRENCH = `
Adèle Adrien Agathe Agnès Aimée Alain Albane Alexandre Alexis Alice Aline Alix Alphonse Amandine Amaury Ambroise Anaïs Anatole André Andrée Angélique Annabelle Anne Annick Anouk
Anthony Antoine Antoinette Apolline Ariane Armand Armelle Arnaud Arthur Astrid Aude Audrey Augustin Aurélie Aurélien Axelle Aymeric Baptiste Barnabé Bastien Béatrice Bénédicte Benjamin
Benoît Bérénice Bernadette Bernard Berthe Bertrand Blandine Blanche Brigitte Bruno Camille Carine Caroline Cassandre Catherine Cécile Cédric Céleste Célestin Célia Céline Chantal Charlène
Charles Charlotte Chloé Christèle Christelle Christiane Christine Christophe Claire Clara Clarisse Claude Claudette Claudine Clémence Clément Clémentine Clotilde Colette Coline Constance
Constant Coralie Corentin Corinne Cyprien Cyrille Damien Danièle Danielle David Delphine Denis Denise Désiré Didier Dimitri Dominique Donatien Dorothée Edgar Edmond Édith Édouard Éléonore
Éliane Élie Éliot Élisabeth Élise Élodie Éloïse Elsa Émeline Émile Émilie Emma Emmanuel Emmanuelle Enzo Éric Erwan Estelle Esther Étienne Eugène Eugénie Eulalie Évelyne Ève Fabien
Fabienne Fabrice Fanny Félicie Félicien Félix Fernand Fernande Firmin Flavie Flore Florent Florentin Florian Francine Francis Franck François Françoise Frédéric Frédérique Gabin Gabriel Gabrielle
Gaël Gaëlle Gaëtan Gaspard Gaston Gauthier Geneviève Geoffrey Georges Georgette Gérald Géraldine Gérard Germain Germaine Ghislain Ghislaine Gilbert Gilberte Gilles Ginette Gisèle Grégoire Grégory
Guillaume Guy Guylaine Gwenaël Gwenaëlle Gwendoline Hadrien Hector Hélène Héloïse Henri Henriette Hervé Hippolyte Honoré Honorine Hortense Hubert Hugo Hugues Huguette Inès Ingrid Irène Isabelle
Isaure Ismaël Jacqueline Jacques Jean Jeanne Jeannine Jeannette Jean-Baptiste Jean-Claude Jean-François Jean-Louis Jean-Luc Jean-Marc Jean-Marie Jean-Michel Jean-Paul Jean-Philippe Jean-Pierre Jérémie Jérémy Jérôme
Joël Joëlle Jocelyne Jonathan Joris Joseph Josée Joséphine Josette Josiane Josselin Jules Julie Julien Julienne Juliette Justine Karine Kévin Laetitia Lambert Laura Laure Laureline Laurence
Laurent Laurette Laurine Léa Léandre Léna Léo Léon Léonard Léonie Léontine Léopold Liliane Lilou Lilian Line Lise Lisette Loïc Loïs Lola Loris Lorraine Louane Louis Louise Louison Luc Luce
Lucette Lucie Lucien Lucienne Lucile Ludivine Ludovic Lydie Lysiane Madeleine Maël Maëlle Maëlys Maëva Magali Magalie Malo Manon Marc Marceau Marcel Marcelle Marcelline Margaux Margot Marguerite
Marianne Marie Marie-Anne Marie-Christine Marie-Claude Marie-France Marie-Hélène Marie-Laure Marie-Louise Marie-Pierre Marie-Thérèse Marielle Mariette Marina Marine Marion Marius Marjolaine Marjorie Marthe Martial Martine Maryse
Mathéo Mathias Mathieu Mathilde Matthieu Maud Maurice Mauricette Maxence Maxime Maximilien Mélanie Mélina Mélissa Michel Michèle Micheline Mickaël Mireille Monique Morgane Muriel Murielle Myriam Nadège
Nadine Nathalie Nathan Nicolas Nicole Nina Ninon Noé Noël Noëlle Noémie Océane Odette Odile Odilon Olivier Ophélie Oriane Pascal Pascale Pascaline Patrice Patricia Patrick Paul Paule Paulette Pauline
Perrine Philibert Philippe Philippine Pierrette Pierrick Quentin Rachel Raoul Raphaël Raphaëlle Raymond Raymonde Régine Régis Rémi Rémy Renaud René Renée Robert Roberte Robin Rodolphe Rodrigue
Roger Roland Rolande Romain Romane Romuald Rosalie Roseline Roxane Sabine Sabrina Samuel Sandra Sandrine Sarah Sébastien Ségolène Séverine Sidonie Simon Simone Solange Solène Solenne Sophie
Stanislas Stéphane Stéphanie Suzanne Suzette Sylvain Sylvaine Sylvestre Sylvie Tanguy Tatiana Théo Théodore Théophile Thérèse Thibaud Thibault Thibaut Thierry Thomas Timothée Tiphaine Titouan Toussaint
Tristan Ulysse Urbain Valentin Valentine Valérie Valéry Vanessa Véronique Victoire Victorine Vincent Virginie Viviane Vivien Wilfrid Xavier Yann Yannick Yannis Yoann Yolande Youn Yvan Yves
Yvette Yvon Yvonne Zacharie Zélie Zoé`;

const SPANISH = `
Aarón Abel Abelardo Abigaíl Abraham Abril Ada Adán Adela Adelaida Adelina Adolfo Adoración Adrián Adriana Agustín Agustina Ainara Ainhoa Aitana Aitor Alba Alberto Albert Alejandra Alejandro Alexia Alfonso Alfredo
Alicia Almudena Alonso Álvaro Amadeo Amalia Amaia Amancio Amaya Amparo Ana Anabel Anastasia Andoni Andrea Andrés Ángela Ángeles Angustias Aniceto Anselmo Antoni Antonia Antonio Anxo Araceli Arantxa Ariadna Armando Arnau
Artemio Arturo Asunción Asier Aurelio Aurora Azucena Balbina Baltasar Bartolomé Basilio Beatriz Begoña Belén Benedicta Benicio Benita Benito Benjamín Berenguer Bernabé Bernardo Berta Bibiana Biel Blai Blanca Blas Borja Braulio Brígida
Bruno Calixto Camila Camilo Candela Candelaria Cándido Caridad Carla Carles Carlos Carlota Carme Carmelo Carmen Carmina Carolina Casandra Casimiro Catalina Cayetana Cayetano Cecilia Celestino Celia Celso César Cipriano
Claudio Clemente Concepción Conchita Constantino Consuelo Cosme Covadonga Cristian Cristina Cristóbal Dámaso Damián Daniela Darío Débora Demetrio Diego Dionisio Domingo Dolors Edmundo Eduardo Efraín Eladio Elena Eleuterio Elías Eliseo Elisa
Elisenda Eloísa Eloy Elvira Emiliano Emilio Encarna Encarnación Enric Enrique Enriqueta Eneko Ernesto Esperanza Esteban Estefanía Estela Ester Estrella Eugenia Eugenio Eulogio Eusebio Eustaquio Eva Evaristo Ezequiel Fabián Fabiola Facundo Fátima
Federico Feliciano Felicidad Felipa Felipe Feliu Fermín Fernanda Fernando Ferran Fidel Filomena Florencio Florentino Fortunato Francesc Francisca Francisco Froilán Fulgencio Gabino Gabriela Garbiñe Gaspar Genoveva Gerardo Germán Gerónimo Gertrudis Gervasio Gilberto Ginés
Gisela Gladis Gonzalo Gorka Gracia Graciela Gregorio Griselda Guadalupe Guillem Guillermo Gumersindo Gustavo Héctor Heriberto Hermenegildo Herminia Hernán Hilario Hipólito Horacio Hortensia Humberto Ibai Iciar Idoia Ignacia Ignacio Ignasi Igor Iker
Ildefonso Inés Inmaculada Íñigo Inocencio Irene Iria Irene Isabel Isaías Ismael Isidoro Isidro Isidra Itziar Iván Izaskun Jacinta Jacinto Jacobo Jaime Jaume Javier Javiera Jerónimo Jesús Jesusa Jimena Joaquim Joaquín Joaquina Joan Jonás Jordi Jorge José
Josefa Josefina Josep Josu Juan Juana Juanita Juanjo Judit Julián Juliana Julieta Julio Justino Justo Koldo Ladislao Laia Lara Laureano Lázaro Leandro Leire Leocadia Leonardo Leoncio Leonor Leticia Lidia Llorenç Lluís Lorena Lorenzo Lourdes Lucía Luciana
Luciano Lucila Lucrecia Luisa Luis Luisina Lupe Macarena Macario Magdalena Maite Maialen Manel Manolo Manuel Manuela Manuelita Marcela Marcelina Marcelino Marcelo Marcial Marciano Marcos Margarita María Mariana Mariano Maribel Maricarmen Marifé Marisa Marisol Maritza
Martí Martín Martina Mateo Mateu Matías Mauricio Máximo Melchor Melisa Mercè Mercedes Meritxell Miguel Mikel Milagros Mireia Miriam Modesto Moisés Montse Montserrat Narciso Natalia Natividad Nazaret Nemesio Nerea Nicanor Nicolás Nicolasa Nieves Noelia Noemí Norberto Nuria Núria
Obdulia Octavio Odón Ofelia Olalla Olga Omar Oriol Osvaldo Otilia Pablo Paco Pacífico Palmira Paloma Pancracio Paola Pascual Pascuala Pastora Patricio Patxi Pau Paula Paulino Pedro Pelayo Pepa Pepe Pere Perfecto Petra Plácido Policarpo Ponç Primitivo Prudencio Purificación
Quique Quim Rafael Rafaela Raimundo Ramira Ramiro Ramón Ramona Raquel Raúl Rebeca Regina Reinaldo Remedios Renata Reyes Ricardo Roberto Rocío Rodolfo Rodrigo Rogelio Román Romina Romualdo Roque Rosalía Rosalinda Rosario Rosaura Rosendo Rubén Rufino Rut
Sabina Salomé Salvador Samuel Sancho Sandra Santos Sara Saturnino Saúl Segismundo Sergi Sergio Severiano Silvestre Silvia Silvio Simón Socorro Sofía Soledad Sonia Susana Tadeo Tamara Tania Telmo Teodora Teodoro Teófilo Teresa Tomás Tomasa Toribio Toñi Trinidad Tristán
Unai Urbano Urko Uxía Uxue Valentín Valentina Valeria Valeriano Vanesa Ventura Verónica Vicenta Vicente Vicenç Víctor Vidal Violeta Virgilio Virginia Visitación Viviana Wenceslao Wilson Xabier Xavi Xavier Ximena Xoán Yago Yaiza Yasmina Yesenia Yolanda Zaida Zaira Zoraida Zuriñe`;

const NEIGHBOURS = `
Abdoulaye Abdul Abdullah Abebe Achieng Adaeze Adebayo Adewale Aditi Aditya Adunni Agnieszka Ahmad Ahmed Ahmet Aïcha Aicha Aisha Aishwarya Ajay Akira Akiko Akua Alejandrina Aleksander Aleksandra Aleksei Alessandra Alessandro Alexei Ali Alicja Alioune
Ama Amadou Amara Amari Amina Aminata Amir Amira Amit Amrita Ananya Anastasiya Anders Andrei Andrej Andrzej Aneta Anh Anil Anita Anjali Ankit Anna Antonella Anton Aoife Apinya Arash Arjun Artem Arun Asha Ashok Asif Asma Assane Astou
Aya Ayaan Ayşe Ayse Aysel Azadeh Azra Babajide Barış Bartosz Bassam Beatriz Behrouz Bilal Binta Bjarne Bogdan Boubacar Bożena Branko Bronisław Burak Can Canan Caoimhe Cem Ceren Cheikh Chiara Chiamaka Chidi Chinedu Chinwe Ciara Ciarán Claudia Cristiano Dang Danuta
Daria Dariusz Davide Deepak Demba Denis Deniz Devi Dilek Dimitrios Dinesh Divya Djamila Dmitri Dmitry Dorota Dragan Dragana Dušan Dzenan Edip Eirik Ekaterina Elif Elżbieta Emeka Emine Emre Enrico Erdem Eren Erkan Esra Ewa Fadi Fadila Faisal Fatih Fatma Fatima Fatou Fatoumata Farah Farid
Farida Farouk Femi Fikret Filip Fiorella Folake Francesca Francesco Frederik Funmilayo Gabriele Ganesh Giacomo Gianluca Gintaras Giorgio Giovanni Giulia Giuseppe Goran Gökhan Graciete Grażyna Grzegorz Gulsen Hadiza Hakan Halima Halina Hamid Hamza Hana Harpreet Haruka Haruki Hasan Hassan Hatice Hayat Henrik Hideki
Hiroshi Houda Hüseyin Hussein Hye-Jin Ibrahim Ibrahima Idris Idrissa Ifeoma Ikram Ilaria Ilias Imane Imran Indira Ioana Ioannis Irina Isha Ismail Ivan Ivana Iwona Jadwiga Jagoda Jakub Jamal Jamila Jan Jaroslav Jasna Javed Jelena Jerzy Jiří Joanna João Johan Jovan Juma Jun Junaid Kaan Kadir Kalpana Kamal
Kamala Kamil Karim Karima Karol Katarzyna Kateryna Kavita Kazimierz Keiko Kemal Kenji Khadija Khaled Kiran Kofi Kojo Krisztina Krystyna Krzysztof Kunal Kwabena Kwame Kwasi Lakshmi Lamine Lan Larisa Latifa Layla Leila Lech Leszek Leyla Liang Lin Linh Ljubica Lorenzo Luca Lucyna Ludmila Lukasz Łukasz Lyudmila Maciej Madhu Magda Magnus Mahmoud Mai
Maja Makoto Malgorzata Małgorzata Malik Mamadou Manish Manuela Marcin Marek Mariam Mariama Mariusz Marko Marta Maryam Massimo Matej Mateusz Matteo Maurizio Mbali Meera Mehdi Mehmet Mei Melek Meltem Meryem Michał Miguel Mikhail Mikołaj Milan Milena Milica Miloš Minh Miroslav Mirosława Mohamed Mohammad Mohan Moussa Muhammad Mukesh Murat Musa Mustafa Mwangi
Nabil Nadira Nadir Najat Nanami Naoko Narendra Nasrin Natalia Natasha Naveen Nawal Nazan Neha Nevin Ngozi Nhung Nikhil Nikita Nikola Nikolai Nilüfer Njeri Nkechi Noor Nour Nura Nuray Nurcan Nuri Obinna Ogechi Okan Oleg Oleksandr Olena Olga Olu Oluwaseun Oluwaseyi Omar Ömer Onur Orhan Osman Oumar Ousmane Özge Özlem Pádraig Pankaj Paolo Parisa Parvati Patryk Pavel Pawel Paweł
Petar Petr Piotr Pooja Pranav Prakash Predrag Preeti Priya Priyanka Przemysław Quynh Rabia Radosław Rafał Rahul Raj Raja Rajesh Rakesh Ramesh Rana Ranjit Rashid Ravi Razan Recep Reem Rekha Renzo Reza Riccardo Ritu Roberta Rohan Rohit Roza Rukhsana Ruslan Ryszard Sabina Sachin Sadia Safiya Said Saida Sakura Salah Salim Salima Salma Salvatore Sameer Samir Samira Sana
Sandeep Sandhya Sanjay Sanjeev Santosh Saoirse Sara Satoshi Selim Selin Selma Serdar Serge Sergei Sergey Serhiy Serkan Sevgi Sevil Shabana Shabnam Shalini Shanti Shirin Shiv Shreya Shu Sibel Siddharth Sina Sinan Sinéad Siobhán Slavica Slavko Slobodan Sneha Snežana Soraya Souad Soufiane Souleymane Stanisław Stefania Stefano Stelian Sunil Sunita Suresh Svetlana Swati Sylwia Tadeusz Takashi Takeshi Tamer Tariq Tatjana Tendai Thandiwe Thanh
Thuy Tiago Tolu Tomasz Tomoko Tuncay Tunde Tuan Uchenna Umar Usha Ustun Vadim Valentina Vasile Vasily Venkat Vera Vesna Vijay Vikram Viktor Vinod Vishal Vladimir Vlad Volkan Wafa Waldemar Wanjiru Wei Wiesław Wioletta Władysław Wojciech Xiaoming Xin Yara Yasemin Yasin Yasmin Yasmine Yasuko Ye-jin Yousef Youssef Yuki Yuko Yuliya Yuri Yusuf Zahra Zainab Zbigniew Zdeněk Zehra Zeynep Zofia Zoran Zsófia Zuzana`;

/** Also a word, a month, a place or a trade: a name only when more says so. Folded. */
export const AMBIGUOUS: ReadonlySet<string> = new Set(
  `abril ada adoracion aimee alba ali alix alonso amor an angel angeles angelique angustias april apolline art asher aurora aurore august augustin austin autumn avril basil bay belen bill bishop blanca blanche bo brook bud can candela candelaria caridad cash celeste
 chance charity charlotte chase chelsea cherry christian clay clemence cliff concepcion constance constant consuelo cristal crystal daisy dale dawn dean december dee desire destiny diamond dolores domingo don drew duke earl ebony eden else emerald ernst esperanza estrella eve
 faith fe felicidad flora flore florence florian forest forrest fortune frank franck faith gay gene georgia germain germaine german ginger glen gracia grace grant gray guadalupe guy hazel heath heather heide hill holly honey honore hope hunter iris isis israel ivy jackson jade jasmine jersey jesus
 jordan joy juan june juin jules julio junio justice justine justo kai kay kent lance lane laurel leon libertad lily lima lin lincoln line linden london lorraine lourdes love luce luna lune luz madison mai maja malo marina marine mark marina max may mars mayo melody mercedes mercy merle milagros miles min misty montserrat morgan mort natividad nevada nieves noel
 norm norman nova octavia odin olive oliva opal orange oscar pace page palmira paloma paris pastora pat patience paz pearl penny perfecto perla pilar pink placido pol porter prince prudence purificacion rain rand ray red reed reese reyes rio river rob rock rocky rocio roman romane romain rosa rosario rose rosemary rosie royal ruby rusty
 sable sage salvador san santiago santos sandy savannah scarlet sena serena shelby sierra silver sky socorro sol soledad son star stern stone storm sue summer sunny sun sydney tai tan terra toledo tom toussaint tracy trinidad troy tu urbain urbano valencia valentine van vance venus ventura victoria victoire viola violet violeta violette virginia visitacion wade ward wayne
 web west will wolf woody wren yen york young zen sloan sonny ryder rowan ridge remedios art avery bailey banks bear berry blaze blue booker boston brandy brick bronze bruno buck buddy butch caesar candy carter cheyenne chip clay cleveland coco cole colt cooper corona cruz dakota dallas dash delta denver dixie dolly dusty ember ernest ever fay fern field finn flame fox freeman gale garnet 
 gemma genesis ginger harmony harper harvest haven henna hudson indigo india indiana ida ines iran italia jamaica jay jazz jet jett jewel journey jupiter karma kenya king kit lacy lake lark legend leaf lexus liberty link lucky major marcial maria marquis marshall mason maverick melon memphis mina miracle mode montana moon nestor north ocean olympia orion paisley peace peaches phoenix piper
 poet poppy precious presley princess queen quest raven raya rebel regina rich rich royce saint salem scout senior shade silvestre sincere skip sparrow sterling stormy strong sugar tango tawny teal temple tiger timber toy treasure trey true tucker turner tyne unique unity vale valor wanda whisper wilder willow winner winter wise zeus zion amparo lion rama ram
 flor pura lea rocio salome bella dulce bonita rod chuck herb dick gloria `.split(/\s+/),
);

/** Names whose folded form every text with a capital may hold as a name, those of `AMBIGUOUS` included. */
export const GIVEN_NAMES: readonly string[] = [ENGLISH, GERMAN, FRENCH, SPANISH, NEIGHBOURS]
  .join(' ')
  .trim()
  .split(/\s+/);
