"""Word lists for the sample catalogue that ``make_sample.py`` writes.

Every person, work, publisher, series and society below is invented; places, languages
and subject headings are plain facts. Each table is a string with one row per line and
``|`` between the columns; its first line names them.
"""
# ruff: noqa: E501, RUF001

# ddc and lcc: of the literature, the DDC to be followed by 1 for poetry or 3 for fiction; script: the code of its 880 fields; order: s where the surname
# comes first; by: statement of responsibility; own_...: the same in the language's own script.
# The first year keeps titles out of years when the language was spelled otherwise.
LANGUAGES = """
code|share|first|name|ddc|lcc|script|articles|order|by|own_by|edition|own_edition
eng|43|1890|English|82|PR6061||the ,a ,an |f|by {n}||2nd ed.|
ger|9|1890|German|83|PT2671||der ,die ,das ,ein ,eine |f|von {n}||2., überarbeitete Auflage|
fre|8|1890|French|84|PQ2671||le ,la ,les ,l',un ,une |f|{n}||2e éd. revue et augmentée|
spa|8|1890|Spanish|86|PQ6663||el ,la ,los ,las ,un ,una |f|{n}||2a ed.|
rus|5|1919|Russian|891.7|PG3476|(N||f|{n}|{n}|Izd. 2-e|Изд. 2-е
ita|3.5|1890|Italian|85|PQ4863||il ,la ,le ,lo ,i ,gli ,l',un ,una |f|{n}||2a ed.|
chi|4|1957|Chinese|895.1|PL2848|$1||s|{n} zhu|{n}著|Di 1 ban|第1版
jpn|4|1948|Japanese|895.6|PL858|$1||s|{n} cho|{n}著|Shohan|初版
pol|3|1936|Polish|891.85|PG7158|||f|{n}||Wyd. 2 poprawione|
por|2.5|1945|Portuguese|869.|PQ9698||o ,a ,os ,as ,um ,uma |f|{n}||2a ed.|
ara|2.5|1920|Arabic|892.7|PJ7838|(3/r|al-|f|{n}|{n}|al-Ṭabʻah 1|الطبعة 1
kor|2|1954|Korean|895.7|PL992|$1||s|{n} chiŭm|{n} 지음|Ch'op'an|초판
heb|2|1925|Hebrew|892.4|PJ5054|(2/r|ha-|f|{n}|{n}||
gre|1.5|1983|Greek, Modern|889.|PA5615|(S|to ,hē ,ho |f|{n}|{n}|2ē ekd.|2η εκδ.
cze|1.5|1920|Czech|891.86|PG5039|||f|{n}||Vyd. 2.|
hin|1.5|1936|Hindi|891.43|PK2098|Deva||f|{n}|{n}|Saṃskaraṇa 1.|संस्करण 1.
tha|1|1950|Thai|895.91|PL4209|Thai||f|{n}|{n}||
vie|1|1950|Vietnamese|895.922|PL4378|||s|{n}||In lần thứ 2.|
ice|1|1930|Icelandic|839.69|PT7511|||f|{n}||2. útgáfa|
"""

# The article that an 880 title opens with where its romanized form opens with one.
VERNACULAR_ARTICLES = {"ara": ("ال",), "heb": ("ה",), "gre": ("Το ", "Η ", "Ο ")}

# ALA-LC romanization of Russian, lower case.
CYRILLIC = {
    "а": "a", "б": "b", "в": "v", "г": "g", "д": "d", "е": "e", "ё": "ë", "ж": "zh",
    "з": "z", "и": "i", "й": "ĭ", "к": "k", "л": "l", "м": "m", "н": "n", "о": "o",
    "п": "p", "р": "r", "с": "s", "т": "t", "у": "u", "ф": "f", "х": "kh",
    "ц": "t\ufe20s\ufe21", "ч": "ch", "ш": "sh", "щ": "shch", "ъ": "ʺ", "ы": "y",
    "ь": "ʹ", "э": "ė", "ю": "i\ufe20u\ufe21", "я": "i\ufe20a\ufe21",
}  # fmt: skip

# isbn: group and registrant.
PUBLISHERS = """
language|name|city|country|isbn|start|end|own|own_city
eng|Penhallow & Sons|London|enk|0-85|1890|1938
eng|Bracken and Lisle|London|enk|0-7064|1902|1974
eng|Harrowmere Press|London|enk|1-873|1948|2026
eng|Saltmarsh Academic|Oxford|enk|1-4477|1989|2026
eng|Kelpie Row|Edinburgh|stk|1-8996|1972|2026
eng|Alder and Finch|New York|nyu|0-674|1890|1966
eng|Copperleaf Books|New York|nyu|0-5538|1934|2026
eng|Quillmark University Press|Boston|mau|0-8223|1921|2026
eng|Prairie Lantern Press|Chicago|ilu|0-9142|1911|2026
eng|Redwood Ledger|San Francisco|cau|1-5971|1985|2026
eng|North Stair Press|Toronto|onc|0-7710|1958|2026
eng|Wattlebird Books|Melbourne|vra|1-7420|1964|2026
eng|Open Terrace Press|Wellington|nz |1-9876|1996|2026
ger|Birkenhof Verlag|Leipzig|gw |3-8218|1890|2026
ger|Sieltor Verlag|Hamburg|gw |3-608|1924|2026
ger|Edition Murmeltier|Zürich|sz |3-7257|1961|2026
ger|Drei Brunnen Buchhandlung|Wien|au |3-7001|1890|1979
fre|Éditions du Tilleul bleu|Paris|fr |2-07|1898|2026
fre|Librairie Montaubry|Paris|fr |2-213|1890|1968
fre|Presses du Vieux-Canal|Lyon|fr |2-7297|1954|2026
fre|Les Éditions de l'Érablière|Montréal|quc|2-8906|1963|2026
spa|Ediciones La Higuera Alta|Madrid|sp |84-376|1929|2026
spa|Imprenta de los Hermanos Bermejo|Madrid|sp |84-200|1890|1958
spa|Editorial Tres Faroles|Barcelona|sp |84-339|1951|2026
spa|Fondo del Maguey|Ciudad de México|mx |968-16|1938|2026
spa|Editorial Río Quieto|Buenos Aires|ag |950-07|1946|2026
spa|Puerto Ballena Ediciones|Valparaíso|cl |956-12|1982|2026
rus|Издательство "Белянка"|Москва|ru |5-17|1919|2026
rus|Невский фонарь|Ленинград|ru |5-289|1924|1991
rus|Невский фонарь|Санкт-Петербург|ru |5-8370|1992|2026
rus|Волжская пристань|Казань|ru |5-298|1958|2026
ita|Edizioni del Melograno d'Inverno|Milano|it |88-06|1931|2026
ita|Tipografia Sanmarchi|Bologna|it |88-15|1890|1964
ita|Lanterna Vecchia|Palermo|it |88-389|1976|2026
chi|Qing zhou chu ban she|Beijing Shi|cc |7-5321|1957|2026|青舟出版社|北京市
chi|Jin jiang shu ju|Chengdu Shi|cc |7-5614|1981|2026|锦江书局|成都市
chi|Bai lu tu shu|Shanghai Shi|cc |7-208|1968|2026|白鹭图书|上海市
jpn|Minase Shobō|Tōkyō|ja |4-06|1948|2026|水無瀬書房|東京
jpn|Kamo no Kishi Shuppan|Kyōto|ja |4-8122|1967|2026|鴨の岸出版|京都
pol|Wydawnictwo Trzy Śluzy|Kraków|pl |83-08|1936|2026
pol|Oficyna Żółta Łódka|Warszawa|pl |83-240|1989|2026
por|Edições Farol da Barra|Lisboa|po |972-20|1945|2026
por|Editora Jatobá Velho|São Paulo|bl |85-359|1952|2026
ara|Dār al-Manārah al-Zarqāʼ|al-Qāhirah|ua |977-09|1920|2026|دار المنارة الزرقاء|القاهرة
ara|Maktabat al-Marfaʼ|Bayrūt|le |9953-68|1949|2026|مكتبة المرفأ|بيروت
kor|Narut'ŏ Ch'ulp'ansa|Sŏul|ko |89-364|1954|2026|나루터출판사|서울
kor|P'urŭn Tŭngdae|P'aju-si|ko |89-546|2001|2026|푸른등대|파주시
heb|Hotsaʼat ha-Migdalor|Tel Aviv|is |965-07|1925|2026|הוצאת המגדלור|תל אביב
heb|Sifre ha-ʻEmeḳ|Ḥefah|is |965-448|1958|2026|ספרי העמק|חיפה
gre|Ekdoseis Pharos tou Notou|Athēna|gr |960-03|1983|2026|Εκδόσεις Φάρος του Νότου|Αθήνα
gre|Ekdoseis Vardarēs|Thessalonikē|gr |960-467|1988|2026|Εκδόσεις Βαρδάρης|Θεσσαλονίκη
cze|Nakladatelství U Přívozu|Praha|xr |80-207|1920|2026
hin|Dīpaśikhā Prakāśana|Nayī Dillī|ii |81-267|1936|2026|दीपशिखा प्रकाशन|नयी दिल्ली
hin|Ghāṭa Prakāśana|Vārāṇasī|ii |81-7124|1960|2026|घाट प्रकाशन|वाराणसी
tha|Samnakphim Rim Khlō̜ng|Krung Thēp|th |974-02|1950|2026|สำนักพิมพ์ริมคลอง|กรุงเทพฯ
vie|Nhà xuất bản Bến Đò|Hà Nội|vm |604-1|1950|2026
ice|Bókaútgáfan Vitinn|Reykjavík|ic |9979-3|1930|2026
"""

OLD_FORENAMES = (
    "Ethel;Walter;Agnes;Herbert;Winifred;Cyril;Mabel;Percival;Edith;Arthur;Florence;Ambrose;Hilda;Josiah;Beatrice;Hugh"
)
NEW_FORENAMES = "Joanna;Marcus;Priya;Dermot;Leila;Gareth;Yvonne;Theo;Miriam;Callum;Adaeze;Fiona;Rashid;Paula;Kofi;Tessa;Owen;Shanthi;Rosalind;Neil;Ngaire;Elliot;Bronwen;Desmond"
SURNAMES = "Aldercott;Bexhill;Carrowby;Danforth-Lee;Eastlake;Fenwright;Garvock;Hollinsea;Ingleby;Jarrold;Kettlewell;Lowick;Marchbank;Netherby;Okonjo;Pargeter;Quested;Ravensdale;Sowerby;Tanqueray;Underhay;Venning;Wetherall;Yelland;Abara;Birdsong;Copplestone;Drummle;Esterhuys;Farrant;Gopalan;Haverstock;Ihaka;Janneway;Kingsnorth;Lascelles-Day;McAlindon;Nandakumar;Osgerby;Pettibone;Rushforth;Skelhorn;Thistlewood;Vasquez-Moore;Whinfield;Zadeh-Ross"

# "Surname, Forename" or a name in direct order, with "=" and its own script after it; Russian
# stands in Cyrillic alone, here and elsewhere, and is romanized.
NAMES = """
language|names
ger|Brinkmann, Hedwig; Osterloh, Friedrich; Lindenau, Paula; Schönfließ, Karla; Mühlenbeck, Otto; Grünhagen, Silke; Abendroth, Jens; Quastenberg, Margarete; Birkholz, Anneliese; Rübsam, Torsten; Weißenborn, Ida; Pröllinger, Xaver
fre|Beauchêne, Édith; Lachaume, Rémi; Vasseur-Noël, Claire; Guérinel, Yves; Montaubry, Léontine; Sauvanet, Loïc; Bréhaut, Maëlle; Coudraye, Félix; Delaunoye, Hélène; Kaboré, Aïssata; Peyracque, Augustin
spa|Ibáñez Olmo, Remedios; Quiroga Peña, Tomás; Villaseñor, Lucía; Argüelles, Íñigo; Nájera Soto, Benita; Yáñez Rocha, Joaquín; Muñoz Tapia, Ángela; Céspedes Lira, Hernán; Zúñiga Prado, Eloísa; Bermejo, Nuño
rus|Ветрова, Анна Ильинична; Рощин, Пётр Савельевич; Лозовая, Мария; Журавлёв, Семён; Щеглова, Юлия; Ягодин, Фёдор; Цветаев-Луговой, Эдуард; Хмелёва, Ольга
ita|Falconieri, Nicolò; Brambati, Ottavia; Sanmarchi, Dario; Coltelli, Giosuè; Vignalia, Letizia
chi|Shen, Qingzhou=沈青舟; Luo, Xiaohe=罗小禾; Tang, Yunshan=唐云杉; Gu, Wanqing=顾晚晴; Xiao, Daosheng=萧稻生
jpn|Yoshida, Sakurako=𠮷田, 桜子; Minase, Haruki=水無瀬, 春樹; Kurokawa, Ume=黒川, 梅; Asagiri, Tōru=朝霧, 透; Ōkubo, Shizue=大久保, 静江
pol|Wiśnicka, Bożena; Łęcki, Świętosław; Jaźwińska, Małgorzata; Krzemień, Józef; Żurawek, Wanda
por|Falcão, Inês; Gonçalves Brito, João; Assunção, Conceição; Magalhães Prata, Luís
ara|Nakhlāwī, Salmá=نخلاوي، سلمى; Ḥaddādī, Karīm=حدادي، كريم; Zaytūnī, Hudá=زيتوني، هدى; Baḥrānī, Ṭāriq=بحراني، طارق
kor|Han, Sora=한소라; Ma, Tong-u=마동우; Paek, Ŭn-sŏl=백은설; Pyŏn, Chi-ho=변지호
heb|Barḳat, Tamar=ברקת, תמר; Zayit, Eliʻezer=זית, אליעזר; Shaḳedi, Noʻah=שקדי, נועה
gre|Karampelas, Stauros=Καραμπέλας, Σταύρος; Melissēnou, Euanthia=Μελισσηνού, Ευανθία; Thalassinou, Annoula=Θαλασσινού, Αννούλα
cze|Dvořáčková, Růžena; Příhoda, Jiří; Šťastník, Bedřich
hin|Varmā, Sulocanā=वर्मा, सुलोचना; Tripāṭhī, Mādhava=त्रिपाठी, माधव; Miśra, Kaumudī=मिश्र, कौमुदी
tha|Dārin Sīthō̜ng=ดาริน สีทอง; Wirat Bunmī=วิรัช บุญมี
vie|Nguyễn, Thị Hương Lài; Trần, Văn Đước; Lê, Quỳnh Ánh
ice|Þórdís Hallgrímsdóttir; Ægir Sæmundsson; Guðrún Eyþórsdóttir
"""

# path: as a subdivision; gac: geographic area code; sorts: u town, r region, c coast, b big;
# atlas: LC class of its maps.
PLACES = """
key|name|heading|path|gac|gnd|sorts|longitude|latitude|atlas
hamburg|Hamburg|Hamburg (Germany)|Germany;Hamburg|e-gx---|Hamburg|uc|10.0|53.55|G6084
bavaria|Bavaria|Bavaria (Germany)|Germany;Bavaria|e-gx---|Bayern|r|11.5|48.8|G6420
leipzig|Leipzig|Leipzig (Germany)|Germany;Leipzig|e-gx---|Leipzig|u|12.37|51.34|G6084
vienna|Vienna|Vienna (Austria)|Austria;Vienna|e-au---|Wien|u|16.37|48.2|G6494
alps|the Alps|Alps|Alps|ea-----|Alpen|rb|9.5|46.5|G6035
lyon|Lyon|Lyon (France)|France;Lyon|e-fr---|Lyon|u|4.83|45.76|G5834
brittany|Brittany|Brittany (France)|France;Brittany|e-fr---|Bretagne|rc|-3.0|48.2|G5830
quebec|Quebec|Québec (Province)|Québec (Province)|n-cn-qu|Québec Provinz|rb|-71.9|47.0|G3450
madrid|Madrid|Madrid (Spain)|Spain;Madrid|e-sp---|Madrid|u|-3.7|40.42|G6564
andalusia|Andalusia|Andalusia (Spain)|Spain;Andalusia|e-sp---|Andalusien|rc|-4.8|37.4|G6560
mexico|Mexico|Mexico|Mexico|n-mx---|Mexiko|rb|-102.0|23.5|G4410
valparaiso|Valparaíso|Valparaíso (Chile)|Chile;Valparaíso|s-cl---|Valparaíso|uc|-71.62|-33.05|G5334
brazil|Brazil|Brazil|Brazil|s-bl---|Brasilien|rb|-51.0|-10.0|G5400
lisbon|Lisbon|Lisbon (Portugal)|Portugal;Lisbon|e-po---|Lissabon|uc|-9.14|38.72|G6694
sicily|Sicily|Sicily (Italy)|Italy;Sicily|e-it---|Sizilien|rc|14.1|37.5|G6760
kazan|Kazan|Kazanʹ (Russia)|Russia (Federation);Kazanʹ|e-ru---|Kazan|u|49.1|55.8|G7064
krakow|Kraków|Kraków (Poland)|Poland;Kraków|e-pl---|Krakau|u|19.94|50.06|G6524
prague|Prague|Prague (Czech Republic)|Czech Republic;Prague|e-xr---|Prag|u|14.42|50.09|G6514
iceland|Iceland|Iceland|Iceland|e-ic---|Island|c|-18.7|64.9|G6930
scotland|Scotland|Scotland|Scotland|e-uk-st|Schottland|rc|-4.2|56.8|G5770
wales|Wales|Wales|Wales|e-uk-wl|Wales|rc|-3.8|52.3|G5760
bristol|Bristol|Bristol (England)|England;Bristol|e-uk-en|Bristol|uc|-2.59|51.45|G5754
chicago|Chicago|Chicago (Ill.)|Illinois;Chicago|n-us-il|Chicago, Ill.|u|-87.65|41.85|G4104
maine|Maine|Maine|Maine|n-us-me|Maine|rc|-69.2|45.3|G3730
california|California|California|California|n-us-ca|Kalifornien|rcb|-119.7|37.2|G4360
novascotia|Nova Scotia|Nova Scotia|Nova Scotia|n-cn-ns|Nova Scotia|rc|-63.0|45.0|G3420
kenya|Kenya|Kenya|Kenya|f-ke---|Kenia|rb|37.9|0.2|G8410
cairo|Cairo|Cairo (Egypt)|Egypt;Cairo|f-ua---|Kairo|u|31.24|30.05|G8304
beirut|Beirut|Beirut (Lebanon)|Lebanon;Beirut|a-le---|Beirut|uc|35.5|33.89|G7474
haifa|Haifa|Haifa (Israel)|Israel;Haifa|a-is---|Haifa|uc|34.99|32.82|G7504
thess|Thessaloniki|Thessalonikē (Greece)|Greece;Thessalonikē|e-gr---|Thessaloniki|uc|22.94|40.64|G6814
kerala|Kerala|Kerala (India)|India;Kerala|a-ii---|Kerala|rc|76.3|10.4|G7650
chengdu|Chengdu|Chengdu (China)|China;Chengdu|a-cc-sz|Chengdu|u|104.07|30.67|G7824
kyoto|Kyoto|Kyoto (Japan)|Japan;Kyoto|a-ja---|Kyōto|u|135.77|35.01|G7964
seoul|Seoul|Seoul (Korea)|Korea (South);Seoul|a-ko---|Seoul|u|126.98|37.57|G7904
hanoi|Hanoi|Hanoi (Vietnam)|Vietnam;Hanoi|a-vt---|Hanoi|u|105.85|21.03|G8024
bangkok|Bangkok|Bangkok (Thailand)|Thailand;Bangkok|a-th---|Bangkok|u|100.5|13.75|G8029
newzealand|New Zealand|New Zealand|New Zealand|u-nz---|Neuseeland|rcb|172.0|-41.5|G9080
"""

PLACE_PHRASES = """
language|place|phrase
ger|hamburg|in Hamburg
ger|leipzig|in Leipzig
ger|vienna|in Wien
ger|bavaria|in Bayern
ger|alps|in den Alpen
fre|lyon|à Lyon
fre|brittany|en Bretagne
fre|quebec|au Québec
fre|alps|dans les Alpes
spa|madrid|en Madrid
spa|andalusia|en Andalucía
spa|mexico|en México
spa|valparaiso|en Valparaíso
ita|sicily|in Sicilia
por|lisbon|em Lisboa
por|brazil|no Brasil
pol|krakow|w Krakowie
cze|prague|v Praze
"""

# weights: before 1920, before 1950, before 1980, before 2000 and since; sorts: of place.
TOPICS = """
key|heading|gnd|ddc|lcc|first|weights|sorts|related|aspects|facets
rail|Railroads|Eisenbahn|385.09|HE1021|1890|9,5,3,2,1|ur|Railroad stations;Railroads--Employees;Transportation|Social aspects;Economic aspects|Economic conditions;History
farm|Agriculture|Landwirtschaft|630.9|S521|1890|9,6,3,1,1|r|Farm life;Soils;Crops|Economic aspects|Economic conditions;Rural conditions
bees|Bee culture|Imkerei|638.1|SF523|1890|4,2,1,1,2|r|Honey;Honeybee||
light|Lighthouses|Leuchtturm|387.155|VK1021|1890|3,2,1,2,1|c|Lighthouse keepers;Coasts||Description and travel
folk|Folklore|Volkskunde|398.209|GR135|1890|5,4,3,2,1|r|Tales;Storytelling;Oral tradition||Social life and customs
plants|Botany|Botanik|581.9|QK306|1890|6,4,2,1,1|r|Plants--Identification;Plant communities||
tele|Telegraph|Telegrafie|384.1|HE7631|1890|6,2,0.2,0.4,0.2|ur|Telecommunication;Telegraphers|Social aspects|History
radio|Radio broadcasting|Hörfunk|384.54|HE8699|1923|0,8,4,1,0.7|ur|Radio programs;Radio audiences;Mass media|Social aspects|History
power|Electric power|Elektrizitätsversorgung|333.7932|HD9685|1897|3,7,4,1,0.6|ur|Rural electrification;Electric utilities|Economic aspects|Economic conditions
health|Public health|Gesundheitswesen|362.109|RA424|1890|3,4,3,3,4|ur|Nursing;Hygiene;Medical care|Social aspects|Social conditions
school|Education|Bildungswesen|370.9|LA621|1890|5,5,5,3,2|ur|Teachers;Rural schools;Classrooms|Social aspects;Aims and objectives|Social conditions
water|Water-supply|Wasserversorgung|363.6109|TD224|1890|3,3,3,2,3|ur|Reservoirs;Droughts;Water--Distribution|Economic aspects;Management|Economic conditions
atom|Nuclear energy|Kernenergie|333.7924|HD9698|1948|0,1,8,4,0.8|r|Nuclear power plants;Energy policy;Radioactive wastes|Government policy;Social aspects|Politics and government
city|City planning|Stadtplanung|307.1216|HT166|1908|1,4,9,5,4|u|Streets;Housing;Neighborhoods;Public spaces|Social aspects;Citizen participation|Social conditions;History
space|Astronautics|Raumfahrt|629.4|TL789.8|1956|0,0,7,3,2.5|-|Artificial satellites;Space stations;Outer space--Exploration||
code|Computer programming|Programmierung|005.1|QA76.6|1964|0,0,3,10,4|-|Software engineering;Computer programs;Debugging in computer science||
net|Internet|Internet|302.231|HM851|1994|0,0,0,5,6|r|Online social networks;Privacy;Trust|Social aspects;Psychological aspects|Social conditions
clim|Climatic changes|Klimaänderung|363.73874|QC903|1986|0,0,0,4,13|rc|Droughts;Floods;Environmental policy;Climate change mitigation|Social aspects;Economic aspects;Government policy|Environmental conditions
ml|Machine learning|Maschinelles Lernen|006.31|Q325.5|1993|0,0,0,1,9|-|Artificial intelligence;Neural networks (Computer science);Data mining|Social aspects;|
covid|COVID-19 Pandemic, 2020-|COVID-19|614.592414|RA644.C67|2020|0,0,0,0,12|ur|Epidemics;Quarantine;Public health|Social aspects|Social conditions
women|Women|Frau|305.409|HQ1121|1890|1,2,3,6,4|ur|Women--Employment;Women in agriculture;Working class women|Social conditions;Economic conditions|Social conditions
migr|Immigrants|Einwanderer|304.8|JV6035|1890|2,2,2,4,5|ur|Families;Emigration and immigration;Assimilation (Sociology)|Social conditions;Cultural assimilation|Emigration and immigration
cook|Cooking|Kochen|641.59|TX725|1890|2,3,4,4,4|ur|Cookbooks;Canning and preserving;Dinners and dining||Social life and customs
rivers|Rivers|Fluss|551.483|GB1205|1890|3,2,2,2,3|r|Floods;Watersheds;Stream restoration||Description and travel
lib|Libraries|Bibliothek|027.009|Z721|1890|2,2,2,2,2|ur|Public libraries;Cataloging;Library catalogs|;|Intellectual life
birds|Birds|Vögel|598.09|QL691|1890|3,2,2,2,2|r|Bird watching;Birds--Identification||
weave|Weaving|Weben|746.14|TT848|1890|1,1,2,2,2|r|Textile fabrics;Looms;Hand weaving||
star|Astronomy|Astronomie|520|QB43.2|1890|3,3,2,2,2|-|Stars;Telescopes;Astronomical observatories||
arch|Architecture|Architektur|720.9|NA1123|1890|2,2,4,4,3|u|Dwellings;Building;Architects||Buildings, structures, etc
fict|||||1890|8,8,9,9,10|-|||
poem|||||1890|2,2,2,2,2|-|||
"""

# topic: with @place it is about, >first and <last year.
ENGLISH_TITLES = """
topic|title|sub
rail<1950|The iron road in {place}|its builders and its traffic
rail<1940|Railway economy|a manual for directors and shareholders
rail|Branch lines of {place}|
rail|Sleepers and signals|railway work in {place}, {span}
rail>1965|The last stopping train|closing the country stations
rail>1990|High speed, short memory|railways and regions in {place}
farm<1950|The improvement of light soils|
farm<1960|Rotation, manure and market|practical farming in {place}
farm|Fields of {place}|a history of agriculture, {span}
farm|The smallholder's year|
farm>1985|Who feeds the valley?|farming families in {place}
bees<1950|The cottage apiary|a guide for beginners
bees|Honey and heather|bee-keeping in {place}
bees|A hive in winter|
bees>2000|Bees on the roof|keeping colonies in crowded towns
light<1960|The lights of {place}|with notes on their keepers
light|Keepers of the lamp|lighthouse families in {place}
light>1980|Dark towers|the end of the manned lighthouse
folk<1960|Tales told in {place}|
folk|The miller's three bargains|and other folk tales
folk|Weather, wells and wise women|folk belief in {place}
folk>1970|Telling it slant again|storytellers and their listeners
plants<1950|A hand-list of the flowering plants of {place}|
plants<1940|Mosses of the upland bogs|
plants|Wild plants of {place}|a field guide
plants>1990|The hedge and the verge|plant life beside the road
tele<1950|The electric telegraph explained|a handbook for operators
tele<1950|Wires across {place}|the building of the telegraph
tele>1970|Dot, dash, stop|the telegraph and everyday life
radio<1960|The listener's companion|a plain guide to wireless
radio|The voice in the kitchen|radio and the household
radio|On the air in {place}|
radio>1990|Low power, long reach|community radio in {place}
power<1960|Current for the countryside|rural electrification in {place}
power<1960|Dynamos and distribution|
power|Switching on {place}|electric power, {span}
power>2000|Grid and storm|keeping the lights on
health<1950|The sanitary state of our towns|
health|Clean hands|public health in {place}, {span}
health|The district nurse's round|
health>1985|Counting the sick|statistics and public health
health>2000|Clinics without queues|primary care in {place}
school<1950|The village schoolmaster's handbook|
school|Slates and satchels|schooling in {place}, {span}
school>1955|The comprehensive idea|secondary education in {place}
school>1990|Small schools, large hopes|
water<1960|Reservoirs and aqueducts|the water-supply of {place}
water|Every drop counted|managing water in {place}
water>1990|The thirsty town|water, price and justice
atom<1985|The peaceful reactor|nuclear energy for the general reader
atom<1990|Power from the nucleus|a survey of policy in {place}
atom>1975|Neighbours of the plant|communities and nuclear energy
atom>1990|A thousand years of waste|
city<1970|The town as it might be|a plan for {place}
city|Streets for living in|planning {place}
city>1955|The ring road and the market|rebuilding {place}
city>1960|New towns, old neighbours|
city>1990|The walkable mile|
city>2005|Sharing the kerb|streets, bicycles and buses in {place}
space<1985|Rockets and reason|
space|A room above the weather|living in orbit
space|The road to the outer planets|
space>1995|Small satellites for everyone|
code<1985|Punched cards to procedures|an introduction to programming
code|Plain programming|writing code that other people can read
code>1978|Structured thinking|a first course in computer programming
code>1985|The patient debugger|
code>1990|Objects, messages, habits|programming in the large
code>2005|A gentle guide to version control|
net|The town on the line|how the Internet came to {place}
net|Password, please|trust and the Internet
net>2002|The long scroll|reading on the Internet
net>2008|Neighbours, online|community life and the Internet in {place}
clim|The warming shore|climatic change in {place}
clim|A degree at a time|climatic change and public choices
clim|Farming the new weather|
clim>2005|After the meltwater|climatic change and rivers in {place}
clim>2005|Cities in the heat|
clim>2012|The carbon ledger|accounting for a changing climate
ml|Learning from examples|an introduction to machine learning
ml>2005|The cautious classifier|
ml>2012|Deep nets, careful steps|testing machine learning
ml>2014|Models that forget|privacy and machine learning
ml>2017|What the training data knew|
ml>2019|Asking the machine politely|language models in daily work
covid|The quiet spring|diaries from {place}
covid|Masks, maps and models|governing a pandemic
covid|Two metres apart|the pandemic in {place}
women<1950|Women's work in {place}|
women|At the loom and the ledger|women's work in {place}, {span}
women>1965|Half the harvest|women and the land in {place}
women>1975|The committee met on Tuesdays|women and local politics
women>1985|Daughters of the laboratory|women in science
migr|Letters from the landing stage|immigrants in {place}, {span}
migr|The second kitchen|immigrant families in {place}
migr>1985|Neither here nor by the harbour|migration and memory
migr>2000|Papers, please wait|
cook<1950|The plain cook's companion|
cook|A kitchen in {place}|recipes and recollections
cook>1960|Supper for the thrifty|
cook>1990|Twelve tomatoes|
cook>2005|The unhurried pantry|preserving through the year
rivers|From spring to estuary|a river journey in {place}
rivers|The river at the door|floods in {place}, {span}
rivers>1975|Reading a riverbed|
rivers>1995|Letting the water wander|restoring rivers in {place}
lib<1960|On the arrangement of small libraries|
lib|Readers and reading rooms|libraries in {place}, {span}
lib>1970|The catalogue and the card|how libraries describe books
lib>2000|Open stacks|the public library in {place}
birds<1960|The birds of {place}|with notes on nests and song
birds|Marsh, moor and garden|birds of {place}
birds>1980|The dawn counters|amateurs and the study of birds
weave|Warp and weft in {place}|
weave|The hand-loom weaver's notebook|
weave>1985|Threads of argument|weaving as design
star<1950|The evening sky|astronomy without instruments
star|A backyard observatory|
star|Variable stars for patient observers|
star>1990|Dark skies|
arch|The terraced house in {place}|
arch|Stone, brick and lime|building in {place}
arch>1960|Concrete and conscience|post-war architecture in {place}
arch>1995|Mending buildings|architecture and repair
fict<1960|The salt ledger|a novel
fict<1950|Miss Pargeter's lodgers|
fict<1945|The reluctant heir of Colder Hall|
fict|What the ferryman kept|
fict|Nine winters at Thornsay|a novel
fict|The clock on Marrow Street|
fict|A lamp for Isolde Quick|
fict|The tide table|stories
fict>1950|The understudy's week|a novel
fict>1960|Mr. Okonjo's umbrella|
fict>1970|Ordinary gravel|
fict>1980|The piano tuner's map of Leith|a novel
fict>1990|Seven kinds of rain|stories
fict>1995|The inspector dislikes geese|a mystery
fict>2000|The lighthouse audit|a novel
fict>2005|An index of small kindnesses|
fict>2010|The night bus to Ardnamorrow|
fict>2012|Her brother's weather|a novel
fict>2016|The archive of lost umbrellas|
fict>2018|Everyone at the allotment|a novel
poem<1960|Verses from a signal box|
poem|Low water|poems
poem|The orchard ladder|poems
poem>1980|Postcards to a cartographer|
poem>2000|Forty sentences about snow|poems
"""

# topic: as above.
TITLES = """
language|topic|title|sub|own|own_sub
ger|rail|Die Eisenbahn {place}|Strecken, Bahnhöfe, Menschen
ger|rail|Schienen durch das Moor|eine Kleinbahngeschichte
ger|farm|Der Hof und das Jahr|bäuerliches Wirtschaften {place}
ger|bees|Das kleine Imkerbuch|Anleitung für Anfänger
ger|plants|Flora der Flussauen|ein Bestimmungsbuch
ger|light@hamburg|Leuchtfeuer an der Elbe|
ger|city|Die Stadt umbauen|Planung und Protest {place}
ger|atom|Strom aus dem Kern|eine Debatte und ihre Folgen
ger|power|Als das Licht kam|Elektrifizierung {place}
ger|women|Frauen im Kontor|Arbeit und Alltag {place}
ger|clim@alps|Gletscherschwund|Berichte aus den Alpen
ger|ml|Lernende Maschinen verstehen|eine Einführung
ger|code|Programmieren mit Bedacht|ein Lehrbuch
ger|migr|Angekommen|Lebensgeschichten {place}
ger|fict|Das Haus am Siel|Roman
ger|fict|Der Winter der Uhrmacherin|Roman
ger|fict|Ein Sommer ohne Fähre|Erzählungen
ger|lib|Lesesäle|Bibliotheken {place}
ger|star|Der Himmel über dem Dorf|Astronomie für Neugierige
ger|water|Brunnen, Rohre, Quellen|Wasserversorgung {place}
ger|net|Das vernetzte Dorf|Alltag im Internet
ger|poem|Nebelhorn und Holunder|Gedichte
fre|rail|Le rail et la vallée|histoire d'une petite ligne
fre|farm|La ferme et le marché|l'agriculture {place}
fre|plants|Flore des talus et des fossés|guide pratique
fre|city|La ville en chantier|urbanisme et habitants {place}
fre|cook|La cuisine des quatre saisons|recettes de famille
fre|atom|L'atome au quotidien|enquête
fre|women@lyon|Les ouvrières de la soie|travail et vie quotidienne à Lyon
fre|clim|Le fleuve et la chaleur|le climat change {place}
fre|ml|L'apprentissage automatique pas à pas|
fre|net|Nos vies en ligne|essai
fre|fict|La maison du passeur|roman
fre|fict|L'été des horlogers|roman
fre|fict|Les clés de la rue Morte|roman
fre|fict|Une lampe pour Mathilde|récit
fre|poem|Givre|poèmes
fre|folk|Contes du moulin|récits recueillis {place}
fre|health|Soigner la ville|hygiène publique {place}
fre|birds|Les oiseaux de nos haies|
fre|space|Vers la Lune, et après|
fre|migr|Venus d'ailleurs|récits de vie {place}
fre|covid|Un printemps confiné|journal
spa|farm|Campos y acequias|la agricultura {place}
spa|rail|El tren de la sierra|memoria de una línea
spa|city|La ciudad imaginada|planes y barrios {place}
spa|cook|La cocina de la abuela Remedios|recetas de mercado
spa|women|Mujeres de la fábrica|trabajo y memoria {place}
spa|clim|Cuando falte la lluvia|cambio climático {place}
spa|ml|Aprendizaje automático para curiosos|
spa|code|Programar sin miedo|curso básico
spa|fict|La casa de los relojes dormidos|novela
spa|fict|El barquero de Punta Niebla|novela
spa|fict|Los inviernos de Amparo|novela
spa|fict|Una calle sin árboles|cuentos
spa|poem|Sal de invierno|poemas
spa|folk|Cuentos del pozo|tradición oral {place}
spa|school|La escuela del cerro|maestros rurales {place}
spa|migr|Cartas desde el puerto|inmigrantes {place}
spa|water|El agua de todos|
spa|star|Noches de observatorio|
spa|radio|Voces en el aire|la radio {place}
spa|covid|Balcones|crónica de una pandemia
ita|fict|La bottega del vetraio|romanzo
ita|fict|Il traghetto delle sei|romanzo
ita|cook|Pane, olio e pazienza|ricette
ita|rail|Binari in salita|storia di una ferrovia
ita|farm|Terra e limoni|l'agricoltura {place}
ita|clim|L'estate più lunga|il clima che cambia {place}
ita|birds|Gli uccelli della laguna|
ita|ml|Macchine che imparano|
ita|star|Il cielo di maggio|
por|fict|A casa do sineiro|romance
por|cook|Sabores do mercado velho|
por|city@lisbon|O rio e a cidade|planeamento urbano em Lisboa
por|women|Mulheres do cais|trabalho e memória {place}
por|clim|A floresta e a chuva|mudanças climáticas {place}
por|folk|Contos da beira-rio|
pol|rail|Koleją przez równinę|szkice
pol|fict|Dom przy śluzie|powieść
pol|fict|Zegarmistrz z ulicy Wierzbowej|powieść
pol|city|Miasto i rzeka|planowanie przestrzenne {place}
pol|bees|Pszczoły i ludzie|poradnik pszczelarski
pol|women|Nauczycielki|życie codzienne {place}
pol|clim|Źródła chłodu|zmiany klimatu w miastach
pol|poem|Żółte światło|wiersze
pol|ml|Uczenie maszynowe krok po kroku|
cze|fict|Dům u přívozu|román
cze|city|Město pod věží|urbanismus {place}
cze|folk|Pověsti od řeky|
cze|cook|Kuchařka z podhůří|
cze|ml|Strojové učení pro každého|
ice|fict|Vitavörðurinn og þokan|skáldsaga
ice|folk|Þjóðsögur við fjörðinn|
ice|clim@iceland|Jökullinn hopar|loftslagsbreytingar á Íslandi
ice|light@iceland|Vitar á ystu nesjum|
vie|fict|Ngôi nhà bên bến đò|tiểu thuyết
vie|cook|Bếp nhà ngoại|những món ăn ngày thường
vie|city@hanoi|Phố cũ, phố mới|quy hoạch đô thị Hà Nội
vie|ml|Học máy từng bước|
rus|rail|Железная дорога и степь|очерки строительства
rus|farm<1965|Хлеб нашей волости|записки агронома
rus|city@kazan|Город у двух рек|планировка и застройка Казани
rus|space|Дорога к звёздам начинается утром|воспоминания инженера
rus|atom|Десять бесед об атомной энергии|
rus|fict|Дом за переездом|роман
rus|fict|Соль и сирень|роман
rus|fict|Последний паром|повесть
rus|poem|Тихая пристань|стихи
rus|birds|Птицы речной поймы|полевой определитель
rus|code|Программирование без спешки|учебное пособие
rus|clim|Лёд уходит раньше|климат и северные реки
rus|ml|Машинное обучение на практике|
rus|health@kazan|Сельская больница|история земской медицины
gre|fict|To spiti tou pharophylaka|mythistorēma|Το σπίτι του φαροφύλακα|μυθιστόρημα
gre|city@thess|Hē polē kai hē thalassa|poleodomia tēs Thessalonikēs|Η πόλη και η θάλασσα|πολεοδομία της Θεσσαλονίκης
gre|cook|Hē kouzina tou nēsiou|syntages|Η κουζίνα του νησιού|συνταγές
gre|clim|To klima pou allazei||Το κλίμα που αλλάζει|
heb|fict|ha-Bayit she-leyad ha-maʻgan|roman|הבית שליד המעגן|רומן
heb|migr@haifa|Mikhtavim min ha-namal|ʻolim be-Ḥefah|מכתבים מן הנמל|עולים בחיפה
heb|clim|ha-Mayim ha-aḥaronim|mashber ha-aḳlim|המים האחרונים|משבר האקלים
heb|school|Bet sefer ba-ʻemeḳ||בית ספר בעמק|
heb|poem|Gesharim shel or|shirim|גשרים של אור|שירים
ara|city@cairo|al-Madīnah wa-al-nahr|takhṭīṭ al-Qāhirah|المدينة والنهر|تخطيط القاهرة
ara|fict|Bayt al-sāʻātī|riwāyah|بيت الساعاتي|رواية
ara|migr@beirut|Rasāʼil min al-marfaʼ|al-muhājirūn fī Bayrūt|رسائل من المرفأ|المهاجرون في بيروت
ara|women|Nisāʼ al-sūq|dirāsah ijtimāʻīyah|نساء السوق|دراسة اجتماعية
ara|water|al-Māʼ wa-al-qaryah||الماء والقرية|
ara|poem|Qamar ʻalá al-saṭḥ|shiʻr|قمر على السطح|شعر
chi|city@chengdu|Chengdu jie xiang|cheng shi gui hua yu ri chang sheng huo|成都街巷|城市规划与日常生活
chi|cook|Zao tai si ji|jia chang cai pu|灶台四季|家常菜谱
chi|ml|Ji qi xue xi man tan|yuan li yu shi jian|机器学习漫谈|原理与实践
chi|fict|Du kou de deng|chang pian xiao shuo|渡口的灯|长篇小说
chi|fict|Mo fang li de dong tian|chang pian xiao shuo|磨坊里的冬天|长篇小说
chi|farm|Dao tian ji shi|nong ye bi ji|稻田纪事|农业笔记
chi|rail|Tie lu yu xiao zhen||铁路与小镇|
chi|clim|Bing chuan yu he liu|qi hou bian hua diao cha|冰川与河流|气候变化调查
chi|lib|Tu shu guan de yi tian||图书馆的一天|
chi|net|Wang luo shi dai de xiang cun||网络时代的乡村|
jpn|fict|Watashibune no koro||渡し舟のころ|
jpn|fict|Tokeiya no fuyu||時計屋の冬|
jpn|folk@kyoto|Kyōto no machi ni tsutawaru hanashi||京都の町に伝わる話|
jpn|rail|Yamaai no chiisana tetsudō||山あいの小さな鉄道|
jpn|cook|Daidokoro no shiki|katei ryōri no kihon|台所の四季|家庭料理の基本
jpn|city@kyoto|Roji to machizukuri|Kyōto no toshi keikaku|路地とまちづくり|京都の都市計画
jpn|ml|Kikai gakushū no tebiki||機械学習の手引き|
jpn|clim|Kawaru umi, kawaru sora|kikō hendō o kangaeru|変わる海、変わる空|気候変動を考える
jpn|poem|Yuki no hikari|shishū|雪の光|詩集
jpn|weave|Ori to some no techō||織と染の手帖|
kor|city@seoul|Kangbyŏn ŭi tosi|Sŏul tosi kyehoek iyagi|강변의 도시|서울 도시 계획 이야기
kor|fict|Narutpae wa tŭngbul|changp'yŏn sosŏl|나룻배와 등불|장편소설
kor|cook|Halmŏni ŭi puŏk|sach'ŏl ŭmsik|할머니의 부엌|사철 음식
kor|ml|Kigye haksŭp ch'ŏtkŏrŭm||기계 학습 첫걸음|
kor|clim|Pyŏnhanŭn pada||변하는 바다|
hin|fict|Ghāṭa kā dīpaka|upanyāsa|घाट का दीपक|उपन्यास
hin|folk|Gām̐va kī kahāniyām̐||गाँव की कहानियाँ|
hin|farm|Kheta aura kisāna|kr̥shi para nibandha|खेत और किसान|कृषि पर निबंध
hin|women|Ghara aura bāhara kī striyām̐||घर और बाहर की स्त्रियाँ|
hin|poem|Śarada kī rāta|kavitāem̐|शरद की रात|कविताएँ
tha|folk|Nithān rim khlō̜ng||นิทานริมคลอง|
tha|cook|Khrua khō̜ng yāi|tamrā ʻāhān|ครัวของยาย|ตำราอาหาร
tha|city@bangkok|Mư̄ang læ khlō̜ng|Krung Thēp mư̄a wānnī|เมืองและคลอง|กรุงเทพฯ เมื่อวานนี้
tha|fict|Bān rim nam|nawaniyāi|บ้านริมน้ำ|นวนิยาย
"""

# language: of the original.
TRANSLATIONS = """
language|topic|original|title
fre|fict|L'été des horlogers|The summer of the watchmakers
ger|fict|Das Haus am Siel|The house by the sluice
rus|fict|Дом за переездом|The house beyond the crossing
spa|fict|El barquero de Punta Niebla|The boatman of Punta Niebla
jpn|fict|Watashibune no koro|In the days of the ferryboat
ice|fict|Vitavörðurinn og þokan|The keeper and the fog
ger|star|Der Himmel über dem Dorf|The sky above the village
pol|fict|Dom przy śluzie|The lock-keeper's house
"""

# Titles of the oddities: characters beyond the Basic Multilingual Plane, and a very long record.
ODD_TITLES = """
special|topic|title|sub
emoji0|net|From 🐝 to 🌍|small pictures and how we read them
emoji1|cook|Pass the salt 🧂|kitchen messages from one family
long|city|Town and country in a changing century|papers read at the Harrow Lake Colloquium
"""

# house: a word of the publisher's name.
SERIES = """
language|house|title|own
eng|Harrowmere|Harrowmere studies in social history
eng|Quillmark|Quillmark lectures
eng|Prairie|The plain reader's library
eng|Saltmarsh|Rivers and regions
eng|Copperleaf|Copperleaf paperbacks
eng|Redwood|Working papers in land and water
ger|Birkenhof|Birkenhofer Beiträge zur Landeskunde
ger|Sieltor|Kleine Sieltor-Bücherei
fre|Tilleul|Collection Le Fil de l'eau
fre|Vieux-Canal|Cahiers du Vieux-Canal
spa|Tres Faroles|Colección Tres Faroles
spa|Maguey|Biblioteca del Maguey
rus|pristanʹ|Библиотека "Пристань"
ita|Melograno|I quaderni del Melograno
chi|Qing zhou|Qing zhou wen ku|青舟文库
jpn|Minase|Minase raiburarī|水無瀬ライブラリー
pol|Trzy|Seria z Latarnią
kor|Narut'ŏ|Narut'ŏ ch'ongsŏ|나루터 총서
ara|Manārah|Silsilat al-Manārah|سلسلة المنارة
"""

SERIALS = """
language|topic|title|country|code|frequency|name|own
eng|bees|Smallholder and beekeeper|enk|q|Quarterly|Hollin Valley Natural History Society
eng|light|The lamp room|stk|f|Semiannual|Society of Friends of the Northern Lamps
eng|rail|Branch line quarterly|enk|q|Quarterly|Hollin Valley Railway Circle
eng|farm|Proceedings of the Light Soils Association|enk|a|Annual|Light Soils Association
eng|rivers|Catchment|nz |q|Quarterly|Three Rivers Conservancy
eng|clim|Coast and climate letters|mau|m|Monthly|Quillmark Institute for Coastal Study
eng|ml|Notes on learning machines|cau|b|Bimonthly|Redwood Circle for Computing
eng|code|Readable code|cau|m|Monthly|Redwood Circle for Computing
eng|lib|The returned book|ilu|m|Monthly|Prairie Library Guild
eng|health|District nursing record|enk|m|Monthly|Guild of District Nurses of Marlow
eng|weave|Heddle|onc|q|Quarterly|North Stair Weavers' Guild
eng|star|Transactions of the Marlow Street Observatory|enk|a|Annual|Marlow Street Observatory
eng|women|Ledger and loom|nyu|f|Semiannual|Copperleaf Foundation
eng|birds|The dawn count|vra|q|Quarterly|Wattlebird Naturalists' Club
ger|rivers|Zeitschrift für Auenkunde|gw |q|Quarterly|Verein für Auenkunde
ger|city|Stadtumbau aktuell|gw |m|Monthly|Arbeitskreis Stadtumbau
fre|city|Cahiers de la rue et du rail|fr |f|Semiannual|Cercle de la Rue et du Rail
fre|folk|Veillées|fr |q|Quarterly|Société des Veillées bretonnes
spa|farm|Huertas y mercados|mx |q|Quarterly|Sociedad de Huertas y Mercados
spa|school|Cuadernos del maestro rural|ag |f|Semiannual|Liga de Maestros del Río Quieto
rus|rivers|Вестник речного краеведения|ru |q|Quarterly|Общество друзей реки
jpn|lib|Toshokan no mado kara|ja |m|Monthly|Kamogawa Dokusho no Kai|図書館の窓から
chi|rivers|Jiang he yan jiu tong xun|cc |q|Quarterly|Qing zhou he liu yan jiu hui|江河研究通讯
pol|city|Zeszyty nadrzeczne|pl |a|Annual|Towarzystwo Nadrzeczne
"""

MAPS = """
title|sorts|scale
Road map of {place}|r|500000
{place}, geological sketch map|r|600000
Street plan of {place}|u|15000
Buses and trams of {place}|u|20000
Rivers and watersheds of {place}|r|500000
The harbours of {place}, with soundings|c|250000
Relief map of {place}|r|400000
Flood risk in {place}|u|25000
Railway map of {place}|r|600000
"""

SCORES = """
uniform|medium|heading|title|code|genre|pages|parts|lcc|ddc
Sonatas|flute, piano|Sonatas (Flute and piano)|Sonata for flute and piano|sn|Sonatas.|24|1 part (8 pages)|M242|788.3
Quartets|strings|String quartets|String quartet|zz|Chamber music.|38|4 parts|M452|785.7194
Trios|piano, strings|Piano trios|Piano trio|zz|Chamber music.|41|2 parts|M312|785.28193
Suites|orchestra|Suites (Orchestra)|{x} suite : for orchestra|su|Suites.|96||M1003|784.1858
Preludes|piano|Piano music|Twelve preludes : for piano|pr|Preludes (Music)|31||M25|786.2
Concertos|viola, string orchestra|Concertos (Viola with string orchestra)|Concerto for viola and strings|co|Concertos.|72||M1114|784.273
Songs|medium voice, piano|Songs (Medium voice) with piano|{x} songs : for medium voice and piano|sg|Songs.|28||M1621|783.2
Variations|organ|Variations (Organ)|Variations on the {x} Hymn : for organ|vr|Variations (Music)|19||M11|786.5
Nocturnes|clarinet, piano|Clarinet and piano music|Three nocturnes : for clarinet and piano|nc|Nocturnes (Music)|16|1 part (5 pages)|M250|788.62
"""

ALBUMS = """
title|heading|genre|first|code|tracks|lcc|ddc
Evenings at the {x} Room|Jazz|Jazz.|1955|jz|Kettle blues; Rain on the awning; Four for Winifred; Last tram; The reluctant waltz|M1366|781.65
Songs of the {x} Landing|Folk music|Folk music.|1958|fm|The ferryman's daughter; Low tide; Bring me over; Salt and heather; The long goodnight|M1740|781.62
Quartets from {x} Street|String quartets|Chamber music.|1962|zz|Quartet no. 1 in G minor; Quartet no. 2 in D major|M452|785.7194
{x} signals|Electronic music|Electronica (Music)|1974|zz|Carrier; Drift; Sideband; Fade|M1473|786.7
Small hours in the {x} Room|Jazz|Jazz.|1981|jz|Stairwell; Blue ledger; Hollin; Not the usual train; Coda for Edith|M1366|781.65
Hand over hand|Sea songs|Folk music.|1990|fm|Haul; The Thornsay packet; Nine fathom; Homeward, then|M1977.S2|781.62
The {x} Bus sessions|Popular music|Popular music.|2003|pp|Depot; Window seat; Request stop; All change; Depot (reprise)|M1630.18|781.64
{x} organ|Organ music|Art music.|1969|zz|Variations on a harbour hymn; Fantasia; Two chorale preludes|M6|786.5
"""

TITLE_WORDS = "Ferry;Harvest;Winter;Orchard;Harbour;Copper;Willow;Lantern;Midsummer;Marrow"
KEYS = "C major;C minor;D major;E flat major;F major;F sharp minor;G major;G minor;A minor;B flat major"

MUSIC_PUBLISHERS = """
name|country|city
Harrow Lake Music|enk|London
Prairie Lantern Editions|ilu|Chicago
Musikhaus Birkenhof|gw |Leipzig
"""

# Persons as subjects.
SUBJECT_PEOPLE = """
topic|name|dates
plants|Darwin, Charles|1809-1882
atom|Curie, Marie|1867-1934
plants|Humboldt, Alexander von|1769-1859
code|Lovelace, Ada King, Countess of|1815-1852
health|Nightingale, Florence|1820-1910
star|Kepler, Johannes|1571-1630
"""

# topic: of the books such a body writes or is the subject of.
BODIES = """
topic|name
rail|Hollin Valley Railway Company
rivers|Three Rivers Conservancy
water|Three Rivers Conservancy
farm|Light Soils Association
star|Marlow Street Observatory
lib|Prairie Library Guild
birds|Wattlebird Naturalists' Club
clim|Harrow Lake Institute
city|Harrow Lake Institute
health|Guild of District Nurses of Marlow
"""

FICTION_SUBJECTS = "Lighthouse keepers;Sisters;Families;Inheritance and succession;Villages;Booksellers and bookselling;Memory;Boardinghouses;Ferries;Teachers;Clocks and watches;Neighbors"
FICTION_GENRES = "Novels.;Novels.;Novels.;Historical fiction.;Domestic fiction."
# What a remainder of title tells of the genre.
TOLD_GENRES = {
    "stories": "Short stories.",
    "Erzählungen": "Short stories.",
    "cuentos": "Short stories.",
    "a mystery": "Detective and mystery fiction.",
}
# Recorded music whose headings take a decade.
DATED_MUSIC = ("Jazz", "Folk music", "Electronic music", "Popular music")
MEETINGS = "Harrow Lake Colloquium;Marlow Street Symposium;Thornsay Conference;Hollin Valley Workshop"

TEXTS = """
topic|summary|chapters
rail|Follows the surveyors, navvies and shareholders who gave the district its railway.|The first survey;Navvies and landlords;Timetables;Goods and passengers;The line closes
farm|Describes how holdings were worked, what they grew and who bought it.|The soil;Seed and season;Hired hands;The weekly market;Machines arrive
bees|Sets out the work of the apiary month by month.|The colony in spring;Swarming;Foraging and forage;Taking the honey;Wintering
light|Gathers logbooks, letters and recollections of the people who tended the lights.|Choosing the rock;Building the tower;Oil, wick and lens;The relief boat;Automation
folk|Presents tales, sayings and customs with notes on the tellers.|The tellers;Tales of wonder;Tricksters and fools;Calendar customs;Sayings and riddles
plants|Lists and describes the plants of the region by habitat.|How to use the book;Woodland;Bog and heath;Shore and dune;Waste ground
tele|Explains the instruments, the lines and the people who worked them.|The needle and the key;Poles and wires;Boys on bicycles;News by wire;Silence
radio|Examines what was broadcast, who listened and what they made of it.|Crystal sets;The first studios;Talks and dance bands;Listening in company;New frequencies
power|Recounts how current was generated, sold and argued over.|The first dynamo;Poles in the fields;Tariffs;The appliance shop;A national grid
health|Considers doctors, nurses and officials at work among ordinary people.|Drains and privies;The fever hospital;Visiting nurses;Counting and reporting;Clinics
school|Looks at classrooms, teachers and pupils in a time of reform.|The schoolroom;Attendance;Training the teacher;Examinations;After school
water|Shows how a dependable supply was planned, built and paid for.|Wells and pumps;The reservoir bill;Pipes;Meters and rates;Drought
atom|Weighs the promise of nuclear power against its cost and risk.|The reactor explained;Choosing the site;Protest and inquiry;Running the plant;Waste
city|Compares the plans that were drawn with the streets that were built.|The survey;Zones;Roads;Housing;What the residents wanted
space|Introduces rockets, orbits and life beyond the atmosphere.|Leaving the ground;Orbits;Work without weight;Probes;What comes next
code|Teaches programming by way of short, complete examples.|Getting started;Names and values;Loops and conditions;Testing;Reading other people's code
net|Asks how being connected has changed work, friendship and news.|Getting connected;Forums and feeds;Trust;Work from anywhere;Switching off
clim|Brings together measurements, forecasts and the experience of those affected.|What the records show;Ice and water;Harvests;Insurance and law;Adapting
ml|Covers supervised learning, evaluation and the limits of models.|Data and labels;Fitting a model;Measuring error;When models fail;Living with predictions
covid|Draws on diaries and interviews kept during the pandemic.|The first cases;Closing the doors;Care;Schools at home;Remembering
women|Recovers the work and voices of women whom earlier histories passed over.|Sources;Paid and unpaid;The committee;Lives in letters;What changed
migr|Tells of departures, arrivals and the making of new households.|Leaving;The crossing;Rooms to let;Papers;Children of two languages
cook|Collects recipes together with the occasions on which they were served.|Bread;Soups and broths;From the garden;Feast days;Preserves
rivers|Traces a river system from source to mouth.|Springs;Mills and weirs;Floods;Fish and fishing;The estuary
lib|Discusses collections, catalogues and the readers who used them.|The first shelves;Rules and readers;Cataloguing;Branches;Open access
birds|Describes the birds of the area and where to find them.|The observer's year;Waders and wildfowl;Songbirds;Birds of prey;Counting
weave|Combines a history of the craft with patterns and drafts.|Fibre and yarn;The loom;Plain weave and twill;Dyes;Patterns
star|Guides the observer through the sky in each season.|Finding your way;The Moon;Planets;Double and variable stars;Keeping a logbook
arch|Studies buildings, their makers and their uses.|Materials;Builders and clients;The plan;Ornament;Repair
"""

GENERAL_SENTENCES = """
Written for the general reader, with notes for the specialist.
Each chapter ends with questions for discussion.
Tables and diagrams supplement the text.
A short bibliography points the way to further reading.
"""

# For topics that have a past.
HISTORICAL_SENTENCES = """
Based on parish papers, newspapers and interviews.
Maps and tables supplement the text.
A closing chapter considers what later generations made of it.
It is argued that small decisions mattered more than grand designs.
An appendix prints the principal documents in full.
Photographs from private collections are published here for the first time.
"""

NOTES = """
Title from cover.
Errata slip inserted.
Maps on endpapers.
Issued in a limited edition of 500 copies.
Reprinted from the Hollin Valley Courier.
First published in serial form.
Includes advertisements on unnumbered pages at end.
"""

FICTION_SUMMARIES = """
A storm strands five strangers at an inn, each with a reason not to be found.
Two sisters inherit a shop, a debt and a box of letters addressed to neither of them.
A retired surveyor returns to the valley he once mapped and finds it altered.
When the ferry stops running, a village must decide what it owes to its ferryman.
A missing parcel leads a young clerk through every department of a failing company.
Over a single winter a household learns to live with what it has not said.
"""

# What stands before the editors' names in a statement of responsibility.
EDITED_BY = {
    "eng": "edited by",
    "ger": "herausgegeben von",
    "fre": "sous la direction de",
    "spa": "edición de",
    "ita": "a cura di",
}

AND = {"eng": " and ", "ger": " und ", "fre": " et ", "spa": " y ", "ita": " e ", "por": " e "}

# short: the older abbreviation; code: 008/18-21.
ILLUSTRATIONS = """
text|short|code
illustrations|ill.|a
illustrations, maps|ill., maps|ab
color illustrations|col. ill.|a
illustrations, portraits|ill., ports.|ac
maps|maps|b
"""

# The fields of each group of records, with ‡ for the subfield delimiter. A field is left out when
# one of its values is empty, a part in [brackets] likewise; "when" adds a chance, values that must
# be there, or, after "!", must not. A full stop at the end gives way to other closing marks.
FIELDS = """
group|tag|ind|when|body
short|001|||{control}
short|005|||{stamp}
short|008|||{f008}
short|245|00||‡aRules for ferrymen.
all|001|||{control}
all|003|||XxMAC
all|005|||{stamp}
all|006|||{f006}
all|007|||{f007}
all|008|||{f008}
book|010|  ||‡a{lccn}
book|020|  |rda !hyphenated|‡a{isbn}‡q({binding})
book|020|  |!rda !hyphenated|‡a{isbn}
book|020|  ||‡a{hyphenated}
book|020|  |!again|‡a{isbn10} ({bound})[ :‡c{price}]
book|020|  |isbn !again 0.12|‡z{wrong}
ebook|020|  ||‡a{isbn}‡q(electronic book)
ebook|020|  ||‡z{print_isbn}‡q(print)
serial|022|0 ||‡a{issn}
score|028|32||‡a{plate}‡b{publisher}
sound|028|02||‡a{plate}‡b{publisher}
map|034|1 ||‡aa‡b{scale}‡d{west}‡e{east}‡f{north}‡g{south}
all|035|  ||‡a(OCoLC){oclc}
all|035|  ||‡a(XxEVL){legacy}
all|040|  ||‡a{source}[{made}]‡c{source}[‡d{changed}]
text|041|1 ||‡a{lang}‡h{from}
text|041|0 |summarized|‡a{lang}‡beng
all|043|  ||‡a{gac}
all|050|{lc}||‡a{class}‡b{item} {year}
all|082|04||‡a{ddc}‡2{ddc_edition}
all|100|{lead_ind}||{lead}
all|110|2 |rda|‡a{body},‡eissuing body.
all|110|2 |!rda|‡a{body}.
text|111|2 ||‡a{meeting}‡n({ordinal} :‡d{before} :‡c{held}).
text|240|10||‡a{uniform}.‡lEnglish
score|240|10|!key|‡a{uniform},‡m{medium}.
score|240|10||‡a{uniform},‡m{medium},‡nno. {number},‡r{key}.
all|245|{first}{skip}||‡a{title}[‡h{gmd}][ :‡b{sub}][ /‡c{by}].
text|246|30|0.45|‡a{portion}
text|250|  |0.14 !again|‡a{edition}.
map|255|  ||‡aScale 1:{scale_text}‡c({degrees}).
all|260|  |!rda|‡a{city} :‡b{publisher},‡c{date}.
all|264| 1|rda|‡a{city} :‡b{publisher},‡c{date}.
all|264| 4|rda modern 0.3|‡c©{year}
book|300|  |rda|‡a{pages} pages[ :‡b{text}] ;‡c{size} cm
book|300|  |!rda|‡a{pages} p.[ :‡b{short}] ;‡c{size} cm
ebook|300|  |rda|‡a1 online resource ({pages} pages)[ :‡b{text}]
ebook|300|  |!rda|‡a1 online resource ({pages} p.)[ :‡b{short}]
serial|300|  |rda|‡avolumes :‡billustrations ;‡c{size} cm
serial|300|  |!rda|‡av. :‡bill. ;‡c{size} cm
map|300|  |rda|‡a1 map :‡bcolor ;‡c{size} x {width} cm
map|300|  |!rda|‡a1 map :‡bcol. ;‡c{size} x {width} cm
score|300|  |rda|‡a1 score ({pages} pages) ;‡c{size} cm[ +‡e{parts}]
score|300|  |!rda|‡a1 score ({pages} p.) ;‡c{size} cm[ +‡e{parts}]
sound|300|  |rda disc|‡a1 audio disc ({minutes} min.) :‡bdigital ;‡c4 3/4 in.
sound|300|  |!rda disc|‡a1 sound disc ({minutes} min.) :‡bdigital ;‡c4 3/4 in.
sound|300|  |rda !disc|‡a1 audio disc ({minutes} min.) :‡banalog, 33 1/3 rpm, stereo ;‡c12 in.
sound|300|  |!rda !disc|‡a1 sound disc ({minutes} min.) :‡banalog, 33 1/3 rpm, stereo ;‡c12 in.
serial|310|  ||‡a{frequency}
all|336|  |typed|‡a{content}‡b{content_code}‡2rdacontent
all|337|  |typed|‡a{media}‡b{media_code}‡2rdamedia
all|338|  |typed|‡a{carrier}‡b{carrier_code}‡2rdacarrier
serial|362|0 ||‡a{designation}
text|490|1 |traced|‡a{series}[ ;‡v{volume}]
text|490|0 |!traced|‡a{series}[ ;‡v{volume}]
text|500|  |0.14 !again|‡a{note}
all|500|  |empty|‡a
text|504|  |sources !index|‡aIncludes bibliographical references.
text|504|  |sources index|‡aIncludes bibliographical references and index.
text|505|0 |!again|‡a{chapters}.
sound|505|0 ||‡a{tracks}.
sound|511|0 ||‡aPerformed by {performers}.
sound|518|  |0.4|‡oRecorded‡d{year}‡p{place}.
text|520|  |!again|‡a{summary}
ebook|538|  |!rda|‡aMode of access: World Wide Web.
text|546|  |summarized|‡aIn {tongue}; summary in English.
text|546|  |native !summarized|‡aIn {tongue}.
ebook|588|0 |rda|‡aDescription based on print version record.
all|590|  |empty|‡aGift of the Hollin Valley Reading Circle.‡5
topical|650| 0||‡a{heading}[{path}][{aspect}].
topical|651| 0|!again|‡a{place}‡x{facet}.
topical|650| 0|!again|‡a{related}[{path_again}][{form}].
topical|600|10||‡a{subject_person}.
topical|610|20||‡a{subject_body}‡xHistory.
topical|650| 0|!again|‡a{related_too}[{form}].
topical|650| 7|fast|‡a{heading}‡2fast
topical|651| 7|fast|{fast_place}‡2fast
topical|655| 7|fast history|‡aHistory.‡2fast
topical|648| 7|fast|‡a{span}‡2fast
topical|650| 7|german|‡a{gnd}‡2gnd
topical|651| 7|german|‡a{place_gnd}‡2gnd
topical|655| 7|meeting|‡aConference papers and proceedings.‡2lcgft
serial|655| 7||‡aPeriodicals.‡2lcgft
fict|650| 0||‡a{fiction_subject}‡vFiction.
fict|651| 0|0.4|‡a{fiction_place}‡vFiction.
fict|650| 0|0.5|‡a{fiction_subject_too}‡vFiction.
fict|655| 7||‡a{fiction_genre}‡2lcgft
fict|655| 7|fast|‡aFiction.‡2fast
poem|650| 0||‡a{tongue} poetry.
poem|655| 7||‡aPoetry.‡2lcgft
ebook|655| 4||‡aElectronic books.
map|651| 0||‡a{place}‡vMaps.
map|655| 7||‡aMaps.‡2lcgft
score|650| 0|parts|‡a{heading}‡vScores and parts.
score|650| 0|!parts|‡a{heading}‡vScores.
score|655| 7||‡a{genre}‡2lcgft
sound|650| 0||‡a{heading}[‡y{decade}].
sound|651| 0|0.2|‡a{place}‡vSongs and music.
sound|655| 7||‡a{genre}‡2lcgft
all|700|{second_ind}||{second}
all|700|{third_ind}||{third}
serial|710|2 ||‡a{issuer}.
ebook|776|08||‡iPrint version:[‡a{author}.]‡t{title}.‡d{city} : {publisher}, {year}‡z{print_isbn}[‡w(XxMAC){printed}]
text|830| 0|traced|‡a{series}[ ;‡v{volume}].
ebook|856|40||‡uhttps://ebooks.example.org/{control}‡yFull text online
serial|856|40|0.4|‡uhttps://journals.example.org/{issn}‡yIssues online
book|856|42|rda 0.12|‡3Table of contents‡uhttps://toc.example.org/{control}.html
serial|852|0 ||‡aXxMAC‡bMAIN‡cPERIODICALS‡h{class}‡i{item}
copy|852|0 ||‡aXxMAC‡b{branch}‡c{shelf}‡h{class}‡i{item} {year}‡p{barcode}‡t{copy}
copy|949|  |old|‡a{class} {item} {year}‡c{copy}‡i{barcode}‡l{shelf}
copy|999|  |!old|‡a{class} {item} {year}‡wLC‡c{copy}‡i{barcode}‡l{shelf}‡m{branch}‡t{kind}‡u{bought}
ebook|999|  ||‡a{class} {item} {year}‡wLC‡c1‡i{control}-1001‡lONLINE‡mWEB‡tEBOOK
"""

# 008/33 of a serial, where it is not b, the Roman alphabet with diacritics.
ALPHABETS = {"eng": "a", "rus": "c", "jpn": "d", "chi": "e"}

CARRIERS = """
kind_of|content|content_code|media|media_code|carrier|carrier_code|f006|f007
book|text|txt|unmediated|n|volume|nc
ebook|text|txt|computer|c|online resource|cr|m     o  d        |cr cnu---unuuu
serial|text|txt|unmediated|n|volume|nc
map|cartographic image|cri|unmediated|n|sheet|nb||aj canzn
score|notated music|ntm|unmediated|n|volume|nc
sound|performed music|prm|audio|s|audio disc|sd||sd fsngnnmmned
"""
