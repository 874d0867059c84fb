"""What is read for what is written, in each language that is read with full care."""

from __future__ import annotations

import random

import pytest

from voice.text import Dictionary, Entry, verbalise

ENGLISH = [
    ("It has 1,234 pages.", "It has one thousand two hundred and thirty-four pages."),
    ("Pi is 3.14.", "Pi is three point one four."),
    ("It was -5 or 1000000.", "It was minus five or one million."),
    ("In 1999 and 2024.", "In nineteen ninety-nine and twenty twenty-four."),
    ("The 1990s and the 60s.", "The nineteen nineties and the sixties."),
    ("The 21st of 103rd.", "The twenty-first of one hundred and third."),
    ("On May 3, 2024 we met.", "On May third, twenty twenty-four we met."),
    ("On 3 May 2024 we met.", "On third May twenty twenty-four we met."),
    ("It is 3/4/2024.", "It is March fourth, twenty twenty-four."),
    ("Due 2024-05-03.", "Due May third, twenty twenty-four."),
    ("At 10:30, 10:05 and 10:00.", "At ten thirty, ten oh five and ten o'clock."),
    ("At 5 p.m. or 10:30am.", "At five p m or ten thirty a m."),
    ("It costs $3.50.", "It costs three dollars and fifty cents."),
    ("It costs $1 or €2,000.", "It costs one dollar or two thousand euros."),
    ("A $3.5 million or £5bn deal.", "A three point five million dollars or five billion pounds deal."),
    ("It is 12.50 CAD.", "It is twelve point five zero Canadian dollars."),
    ("That is 50% or 3.5 %.", "That is fifty percent or three point five percent."),
    ("At 100 km/h for 1 kg.", "At one hundred kilometers per hour for one kilogram."),
    ("It is -5 °C with 5GB.", "It is minus five degrees Celsius with five gigabytes."),
    ("Dr. Smith of Main St. came.", "Doctor Smith of Main Street came."),
    ("E.g. apples, pears, etc.", "for example apples, pears, et cetera."),
    ("See no. 5 or #1.", "See number five or number one."),
    ("No. 7 is not no.", "number seven is not no."),
    ("Q&A and R+D and/or C++.", "Q and A and R plus D and or C plus plus."),
    ("a + b = c", "a plus b equals c"),
    ("See https://www.example.com/a?b=1.", "See example dot com slash a."),
    ("Mail jane.doe@example.com now.", "Mail jane dot doe at example dot com now."),
    ("Call +1 555 123-4567.", "Call plus one, five five five, one two three, four five six seven."),
    ("Pages 10–20, in 2010-2015.", "Pages ten to twenty, in twenty ten to twenty fifteen."),
    ("Take .5 or -.25 kg for $.50.", "Take zero point five or minus zero point two five kilograms for zero dollars and fifty cents."),
    ("In the early 80s he was in his 30s.", "In the early eighties he was in his thirties."),
    ("At 2024-01-15T10:30:00.", "At January fifteenth, twenty twenty-four ten thirty zero."),
    ("From 31.12.99 to 1.2.24.", "From December thirty-first, nineteen ninety-nine to February first, twenty twenty-four."),
    ("Apples, etc., ", "Apples, et cetera, "),
    ("They won 3-1.", "They won three-one."),
    ("From 5-10 km or 50–60%.", "From five to ten kilometers or fifty to sixty percent."),
    ("On May 3-5, 9:00-17:30.", "On May third to five, nine o'clock to seventeen thirty."),
    ("In 2024 $5 was 5 USD.", "In twenty twenty-four five dollars was five US dollars."),
    ("He is 6 ft. tall, 5 min. away. 2 min.", "He is six feet tall, five minutes away. two minutes."),
    ("In 2024-25 for $5-$10.", "In twenty twenty-four-twenty-five for five dollars to ten dollars."),
    ("Call 1-800-555-1234.", "Call one, eight zero zero, five five five, one two three four."),
    ("No 123-45-6789.", "No one hundred and twenty-three-forty-five-six thousand seven hundred and eighty-nine."),
    ("Version 2.0.1 for MP3.", "Version two point zero point one for MP three."),
    ("Agent 007 took 1½ cups.", "Agent zero zero seven took one and a half cups."),
    ("Nothing to do here, Mr Bond's (old) “friend”!", "Nothing to do here, Mr Bond's (old) “friend”!"),
    ("Acme™ → 😀 good", "Acme good"),
]
GERMAN = [
    ("Es sind 1.234,5 Punkte.", "Es sind eintausendzweihundertvierunddreißig Komma fünf Punkte."),
    ("Am 3. Mai 2024.", "Am dritten Mai zweitausendvierundzwanzig."),
    ("Der 2. Weltkrieg endete 1945.", "Der zweite Weltkrieg endete neunzehnhundertfünfundvierzig."),
    ("Vom 03.05.2024 an.", "Vom dritten Mai zweitausendvierundzwanzig an."),
    ("Um 10:30 Uhr oder 9 Uhr.", "Um zehn Uhr dreißig oder neun Uhr."),
    ("Das kostet 3,50 € oder 5 Mio. €.", "Das kostet drei Euro fünfzig oder fünf Millionen Euro."),
    ("Es sind 20 °C, 50 % und 1 km/h.", "Es sind zwanzig Grad Celsius, fünfzig Prozent und ein Kilometer pro Stunde."),
    ("Nach 1 Stunde kam 1 Hund.", "Nach eine Stunde kam ein Hund."),
    ("Das ist z. B. Dr. Müller, bzw. Nr. 5 usw.", "Das ist zum Beispiel Doktor Müller, beziehungsweise Nummer fünf und so weiter."),
    ("1 Mio. € für 2 Mrd. Leute", "eine Million Euro für zwei Milliarden Leute"),
    ("Ruf 030 1234567 an.", "Ruf null drei null, eins zwei drei vier fünf sechs sieben an."),
    ("Auf beispiel.de/a & b.", "Auf beispiel Punkt de Schrägstrich a und b."),
    ("Vom 1.5. bis 24.12. ist Kapitel 2.1. frei.", "Vom ersten Mai bis vierundzwanzigsten Dezember ist Kapitel zwei. eins. frei."),
    ("Vom 3.–5. Mai die 1.-4. Klasse.", "Vom dritten bis fünften Mai die erste bis vierte Klasse."),
    ("Für 5 € 20 Stück, Nr.5, S.7.", "Für fünf Euro zwanzig Stück, Nummer fünf, Seite sieben."),
    ("In den 80er oder 1990ern, ein 10er.", "In den achtziger oder neunzehnhundertneunzigern, ein zehner."),
    ("In der Hauptstr. 5.", "In der Hauptstraße fünf."),
    ("1. Waschen", "eins. Waschen"),
    ("Von 8–17 Uhr für 20-30 €.", "Von acht bis siebzehn Uhr für zwanzig bis dreißig Euro."),
]
FRENCH = [
    ("Le 1er mai 2024 à 10h30.", "Le premier mai deux mille vingt-quatre à dix heures trente."),
    ("M. Dupont paie 3,50 €.", "monsieur Dupont paie trois euros cinquante."),
    ("Il y a 1 234,25 km et 21 tonnes.", "Il y a mille deux cent trente-quatre virgule vingt-cinq kilomètres et vingt et une tonnes."),
    ("Le 2e de 50 % et 5 M€.", "Le deuxième de cinquante pour cent et cinq millions d'euros."),
    ("La 1re, 1ère et 2eme à St-Denis, 0h15.", "La première, première et deuxième à Saint-Denis, zéro heure quinze."),
    ("Le n°12.", "Le numéro douze."),
    ("M. et Mme Roy, M. le maire.", "monsieur et madame Roy, monsieur le maire."),
    ("1 M€ ou 5 k€.", "un million d'euros ou cinq mille euros."),
    ("Appelez le 06 12 34 56 78.", "Appelez le zéro six, douze, trente-quatre, cinquante-six, soixante-dix-huit."),
    ("Le 03/05/2024, n° 5, etc.", "Le trois mai deux mille vingt-quatre, numéro cinq, et cetera."),
]
SPANISH = [
    ("El 3 de mayo de 2024 a las 10:30.", "El tres de mayo de dos mil veinticuatro a las diez y treinta."),
    ("Cuesta 3,50 € o 21 km.", "Cuesta tres euros con cincuenta o veintiún kilómetros."),
    ("El Sr. López de EE. UU.", "El señor López de Estados Unidos."),
    ("Hay 1.234.567 y 5 %.", "Hay un millón doscientos treinta y cuatro mil quinientos sesenta y siete y cinco por ciento."),
    ("El 1.º y la 3ª, p. ej.", "El primero y la tercera, por ejemplo."),
    ("A las 21:05, 201 personas y 21.000 euros.", "A las veintiuna y cinco, doscientas una personas y veintiún mil euros."),
    ("Hay 1.200.300 casas.", "Hay un millón doscientas mil trescientas casas."),
    ("El n.º 5, nº6 y n° 7.", "El número cinco, número seis y número siete."),
    ("El 1.er día.", "El primer día."),
    ("Son 5 mil € o 1 millón €.", "Son cinco mil euros o un millón de euros."),
    ("Tiene 21 semanas y 1 día.", "Tiene veintiuna semanas y un día."),
]
ITALIAN = [
    ("Il 1 maggio 2024 alle 10:30.", "Il primo maggio duemilaventiquattro alle dieci e trenta."),
    ("Costa 3,50 € per 1 kg.", "Costa tre euro e cinquanta per un chilogrammo."),
    ("Il 3º posto, 1.234 o 50 %.", "Il terzo posto, milleduecentotrentaquattro o cinquanta per cento."),
    ("Il n° 5.", "Il numero cinque."),
    ("Il sig. Rossi, ecc.", "Il signor Rossi, eccetera."),
    ("Dura, p.es., 1 ora.", "Dura, per esempio, una ora."),
]
PORTUGUESE = [
    ("Em 1 de maio de 2024 às 10h30.", "Em primeiro de maio de dois mil e vinte e quatro às dez horas e trinta."),
    ("Custa R$ 3,50.", "Custa três reais e cinquenta centavos."),
    ("São 5 kg, 50 % e 2 horas.", "São cinco quilogramas, cinquenta por cento e duas horas."),
    ("São 200 pessoas, 2 mulheres e 2 aviões.", "São duzentas pessoas, duas mulheres e dois aviões."),
    ("O Sr. Silva, p. ex., na 3ª.", "O senhor Silva, por exemplo, na terceira."),
]
DUTCH = [
    ("Op 3 mei 2024 om 10:30 uur.", "Op drie mei tweeduizendvierentwintig om tien uur dertig."),
    ("Het kost € 3,50 of 5 km.", "Het kost drie euro vijftig of vijf kilometer."),
    ("De 19e eeuw, bijv. 1999.", "De negentiende eeuw, bijvoorbeeld negentien honderd negenennegentig."),
    ("Dhr. Jansen: 1.234,5 & 50 %.", "Dhr. Jansen: duizendtweehonderdvierendertig komma vijf en vijftig procent."),
]
POLISH = [
    ("Było to 3 maja 2024 r. o 10:30.", "Było to trzeciego maja dwa tysiące dwudziestego czwartego roku o dziesiątej trzydzieści."),
    ("W 1999 roku.", "W tysiąc dziewięćset dziewięćdziesiątym dziewiątym roku."),
    ("Kosztuje 3,50 zł albo 5 zł.", "Kosztuje trzy złote pięćdziesiąt groszy albo pięć złotych."),
    ("To 2 h, 22 kg i 5 km.", "To dwie godziny, dwadzieścia dwa kilogramy i pięć kilometrów."),
    ("Od 1939 r. do 2000 r.", "Od tysiąc dziewięćset trzydziestego dziewiątego roku do dwutysięcznego roku."),
    ("O godz. 15:00, do godz. 8:30.", "O godzinie piętnastej, do godziny ósmej trzydzieści."),
    ("Za 5 zł 50 gr.", "Za pięć złotych pięćdziesiąt gr."),
    ("Za 3 mln zł, 2 tys. osób.", "Za trzy miliony złotych, dwa tysiące osób."),
    ("Np. 50 % itd.", "Np. pięćdziesiąt procent i tak dalej."),
]
CASES = {
    "en-us": ENGLISH,
    "en-gb": [("It is 3/4/2024.", "It is the third of April twenty twenty-four.")],
    "de": GERMAN,
    "de-ch": [("Es sind 1'234.5 und CHF 5.50.", "Es sind eintausendzweihundertvierunddreißig Komma fünf und fünf Franken fünfzig.")],
    "fr": FRENCH,
    "fr-ch": [("Il y en a 95.", "Il y en a nonante-cinq.")],
    "es": SPANISH,
    "es-mx": [("Son 1,234.5.", "Son mil doscientos treinta y cuatro coma cinco.")],
    "it": ITALIAN,
    "pt-br": PORTUGUESE,
    "pt": [("Custa 2,10 €.", "Custa dois euros e dez cêntimos.")],
    "nl": DUTCH,
    "pl": POLISH,
    "sv": [("Det är 25 hundar & 3.", "Det är tjugofem hundar & tre.")],
    "tlh": [("25 & 3", "25 & 3")],
}
ALL = [(language, *case) for language, cases in CASES.items() for case in cases]


@pytest.mark.parametrize(("language", "written", "spoken"), ALL)
def test_it_is_read_as_a_person_would(language, written, spoken):
    assert verbalise(written, language).text == spoken


@pytest.mark.parametrize("text", sorted({written for _, written, _ in ALL}))
def test_without_rules_nothing_changes(text):
    assert verbalise(text, "en", normalize=False).text == text


def pairs(spoken):
    return [(word.text, spoken.text[word.spoken_start : word.spoken_end]) for word in spoken.words]


def test_each_word_has_the_stretch_that_is_spoken_for_it():
    sentence = "“On May 3, Dr. Li (aged 5) paid $3.50 for 5 km!” 😀"

    spoken = verbalise(sentence, "en-us")

    assert pairs(spoken) == [
        ("On", "On"),
        ("May", "May"),
        ("3", "third"),
        ("Dr.", "Doctor"),
        ("Li", "Li"),
        ("aged", "aged"),
        ("5", "five"),
        ("paid", "paid"),
        ("$3.50", "three dollars and fifty cents"),
        ("for", "for"),
        ("5", "five"),
        ("km", "kilometers"),
    ]
    assert all(sentence[word.start : word.end] == word.text for word in spoken.words)


def test_what_is_read_as_one_is_one_word():
    assert pairs(verbalise("5 Mio. € z. B.", "de")) == [("5 Mio. €", "fünf Millionen Euro"), ("z. B.", "zum Beispiel")]


def test_a_respelling_is_spoken_and_the_word_kept():
    words = Dictionary([Entry("SQL", "sequel"), Entry("New York", "noo yawk")])

    spoken = verbalise("In New York, sql and MySQL!", "en", dictionary=words)

    assert spoken.text == "In noo yawk, sequel and MySQL!"
    assert ("New York", "noo yawk") in pairs(spoken)
    assert ("sql", "sequel") in pairs(spoken)


def test_an_entry_is_read_by_no_rule():
    words = Dictionary([Entry("24/7", "around the clock"), Entry("A & B", "AB")])

    assert verbalise("24/7, A & B, 10 km", "en", dictionary=words).text == "around the clock, AB, ten kilometers"


def test_ipa_is_for_those_who_read_it():
    words = Dictionary([Entry("tomato", ipa="təˈmɑːtoʊ"), Entry("potato", "puh tay toe", "pəˈteɪtoʊ")])
    sentence = "A tomato, a potato."

    read = verbalise(sentence, "en", dictionary=words, phonetic=True)
    respelt = verbalise(sentence, "en", dictionary=words)

    assert [(read.text[one.start : one.end], one.ipa) for one in read.pronunciations] == [
        ("tomato", "təˈmɑːtoʊ"),
        ("puh tay toe", "pəˈteɪtoʊ"),
    ]
    assert read.shown() == "A /təˈmɑːtoʊ/, a /pəˈteɪtoʊ/."
    assert (respelt.text, respelt.pronunciations) == ("A tomato, a puh tay toe.", ())


def test_a_sentence_of_many_figures_comes_in_pieces():
    spoken = verbalise("999999 " * 40 + "x", "en", dictionary=Dictionary([Entry("x", ipa="ɛks")]), phonetic=True)

    pieces = list(spoken.pieces(300))

    assert len(spoken.text) > 2000
    assert all(len(piece.text) <= 300 for piece in pieces)
    assert " ".join(piece.text for piece in pieces) == spoken.text
    assert [pair for piece in pieces for pair in pairs(piece)] == pairs(spoken)
    last = pieces[-1]
    assert last.text[last.pronunciations[0].start : last.pronunciations[0].end] == "x"


WRITTEN = (
    "the 3 3. 5. $3 3,50 € 3.50 1.234,5 1,234 10:30 24:60 0:00 99:99 May 3 3. maja 1 de mayo 31.12.1999 12/31/1999 1999-13-40 +1 555 "
    "123-4567 06 12 34 a@b.co www.x.com http:// https://x.y/.,) 5km km/h °C -5 −5 10–20 2nd 3e 1er 4º #1 #x ## & + ++ = ½ 1½ * ~5 / a/b % "
    "5% M€ 5 Mio. € $5bn 00012 9999999999999999999999 Dr. z. B. etc. e.g. 0 1 000 000 007 Uhr r. 0. roku 1.2.3.4 😀 ™ m² Ⅷ ٣ ３ ( “ ” "
    "… 你好 5个"
)
LANGUAGES = [*CASES, "zh", "th", "ru", "ja", "tr", "hi", "kk", "ar", "he", "sr", "lt", "be", "fa", "bn", "te", "kn", "ko", "vi", "cy", ""]


@pytest.mark.parametrize("seed", range(400))
def test_whatever_is_written_its_words_are_found_in_order(seed):
    choose = random.Random(seed)
    sentence = choose.choice([" ", "", ". "]).join(choose.choices(WRITTEN.split(), k=choose.choice([1, 3, 8, 30])))
    words = Dictionary([Entry("3", "x y"), Entry("10:30", ipa="tɛn"), Entry("a/b", "b")])

    spoken = verbalise(sentence, choose.choice(LANGUAGES), dictionary=words, phonetic=choose.random() < 0.5)

    at = heard = 0
    for word in spoken.words:
        assert sentence[word.start : word.end] == word.text
        assert at <= word.start < word.end
        assert heard <= word.spoken_start < word.spoken_end <= len(spoken.text)
        at, heard = word.end, word.spoken_end
