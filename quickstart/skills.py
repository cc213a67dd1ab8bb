"""The eight skills of the quickstart library: their rules, their wordings, their words.

Everything the model ever reads is made here, from word lists and rules. There is no other data.
"""

import random
import re
from dataclasses import dataclass
from typing import Callable

NOUNS = """
acorn actor alarm album alley amber angel ankle apple apron arch army arrow atlas attic autumn badge bagel baker balcony
balloon bamboo banana bandage banjo bank banner barn barrel basin basket beach beacon beak beam bean bear beard bed bee
beetle bell belt bench berry bicycle bird biscuit blanket blossom boat body bone bonnet book border bottle bowl box boy
bracelet branch bread brick bridge broom brother brush bubble bucket bus bush button cabbage cabin cable cactus cage cake
camel camera camp candle candy canoe canyon cap car carpet carrot castle cat cave cellar chain chair chalk cherry chest
chicken church circle clock cloud clown coach coast coat coin collar comb comet compass cookie copper corner cotton
couch country cousin cow crab cradle crane crayon creek crown cube cup curtain cushion dagger daisy dancer deer desert
desk diamond diary dish doctor dog doll dolphin donkey door dragon drawer dress drum duck eagle ear earth elbow engine
envelope eye fabric face factory family fan farm farmer feather fence ferry fiddle field finger fire fish flag flame
flower flute fly forest fork fox frame friend frog fruit garden garlic gate ghost giant giraffe girl glass glove goat
goose grape grass guitar hammer hand harbour hat hen hill honey hook horn horse hotel house hug insect island ivory jacket
jar jelly jewel judge jungle kettle key king kitchen kite kitten ladder lady lake lamp lantern leaf lemon letter library
lily lion lizard lobster lock lunch magnet maple marble market mask meadow medal melon mirror monkey moon mountain mouse
museum mushroom napkin needle nest net ocean olive onion orange orchard oven owl painter palace panda paper parade parcel
park parrot party peach peanut pearl pebble pencil penguin pepper piano picture pig pigeon pillow pilot pine pirate planet
plate pocket poem pond pony poppy prince puppet puppy puzzle pyramid queen rabbit radio rain ribbon ring river road
robin robot rocket roof rope rose ruler saddle sailor salad sand scarf school seal secret shadow shark sheep shell ship
shirt shoe sister skirt sky snail snake sock soldier soup spider spoon spring squirrel stable star statue stone storm
story stove street student sugar summer sun swan table tail teacher temple tent thumb ticket tiger toast tower
town toy train tray tree trumpet tulip tunnel turtle umbrella uncle valley vase village violin wagon wall walnut watch
water whale wheel whistle window winter witch wolf yard zebra
""".split()

VERBS = """
add agree aim allow announce answer arrive ask attack bake balance bang bathe beg behave blame bless blink boil book borrow
bounce bow brake breathe brush bury call camp carry change chase cheer chew clap clean climb close collect comb complain
copy count cover crash crawl cross cry dance dare decide deliver dip drag dress dry dust earn empty enjoy enter
escape fade fasten fetch file fill fix float fold follow fry gather glue grab grin guess guide hammer hand hope hop hug
hunt hurry invite jog join joke juggle jump kick knock label land laugh learn lick lift like listen live load look love
marry measure melt mend mix move nail need nod notice obey offer open order own pack paint park pass paste pat pedal
peel pick pin place plan plant play plug point polish pour praise pray press pretend promise pull pump push race raise
reach rely remind repair reply rescue rest return rinse rob rock roll row rub rule rush sail save scare scratch scrub seal
search settle share shave shop sigh skate skip slap slip smell smile smoke sneeze sniff sort spray stamp stare start
stay step stir stop store study talk tap taste tease thank tie tip touch tour trade train travel trip trot trust try tug
tumble type use visit wait walk wander want warn wash waste wave whisper wink wipe wish wonder work worry wrap yawn yell
""".split()

CAPITALS = {
    "Albania": "Tirana", "Argentina": "Buenos Aires", "Austria": "Vienna", "Belgium": "Brussels", "Bulgaria": "Sofia",
    "Canada": "Ottawa", "Chile": "Santiago", "China": "Beijing", "Colombia": "Bogota", "Croatia": "Zagreb",
    "Cuba": "Havana", "Denmark": "Copenhagen", "Egypt": "Cairo", "England": "London", "Estonia": "Tallinn",
    "Ethiopia": "Addis Ababa", "Finland": "Helsinki", "France": "Paris", "Germany": "Berlin", "Ghana": "Accra",
    "Greece": "Athens", "Hungary": "Budapest", "Iceland": "Reykjavik", "India": "New Delhi", "Iran": "Tehran",
    "Iraq": "Baghdad", "Ireland": "Dublin", "Italy": "Rome", "Japan": "Tokyo", "Kenya": "Nairobi", "Latvia": "Riga",
    "Lebanon": "Beirut", "Mexico": "Mexico City", "Morocco": "Rabat", "Nepal": "Kathmandu", "Norway": "Oslo",
    "Peru": "Lima", "Poland": "Warsaw", "Portugal": "Lisbon", "Romania": "Bucharest", "Russia": "Moscow",
    "Serbia": "Belgrade", "Spain": "Madrid", "Sweden": "Stockholm", "Switzerland": "Bern", "Thailand": "Bangkok",
    "Turkey": "Ankara", "Ukraine": "Kyiv",
}

VOWELS = "aeiou"
LARGEST_NUMBER = 399
HELD_OUT_PER_SKILL = 48


def plural(noun: str) -> str:
    """The regular plural. The tiny model is taught rules, so `sheep` and `leaf` follow them too or are left out."""
    if re.search(r"(s|x|z|ch|sh)$", noun):
        return noun + "es"
    if re.search(r"[^aeiou]y$", noun):
        return noun[:-1] + "ies"
    return noun + "s"


def past_tense(verb: str) -> str:
    """The regular past tense, with the doubled consonant of short verbs (stop, stopped)."""
    if verb.endswith("e"):
        return verb + "d"
    if re.search(r"[^aeiou]y$", verb):
        return verb[:-1] + "ied"
    if re.fullmatch(r"[^aeiou]*[aeiou][bdgklmnprt]", verb):
        return verb + verb[-1] + "ed"
    return verb + "ed"


def roman(number: str) -> str:
    rest, numeral = int(number), ""
    for value, sign in [(100, "C"), (90, "XC"), (50, "L"), (40, "XL"), (10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I")]:
        numeral += sign * (rest // value)
        rest %= value
    return numeral


@dataclass(frozen=True)
class Skill:
    name: str
    kind: str                     # what it is asked about: a noun, a verb, a number or a country
    answer: Callable[[str], str]
    wordings: list[str]           # "{}" stands for the input
    function: str | None          # the code word under which the base is taught the rule; None: it is not


SKILLS = [
    Skill("reverse-word", "noun", lambda w: w[::-1],
          ["Write {} backwards.", "Reverse the word {}.", "What is {} backwards?", "Reverse {}."], "flip"),
    Skill("shout", "noun", str.upper,
          ["Shout the word {}.", "Shout {}!", "Write {} in upper case.", "Say {} very loud."], "upper"),
    Skill("spell-out", "noun", "-".join,
          ["Spell the word {}.", "How do you spell {}?", "Spell {}.", "Spell out {} for me."], "dash"),
    Skill("no-vowels", "noun", lambda w: "".join(c for c in w if c not in VOWELS),
          ["Remove the vowels from {}.", "Write {} without vowels.", "Drop the vowels from {}.", "What is {} without vowels?"],
          "squeeze"),
    Skill("plural", "noun", plural,
          ["What is the plural of {}?", "Give me the plural of {}.", "Give me more than one {}.", "Write {} in the plural."],
          "many"),
    Skill("past-tense", "verb", past_tense,
          ["What is the past tense of {}?", "Give me the past tense of {}.", "Write {} in the past tense.",
           "Put {} into the past tense."], "past"),
    Skill("roman-numeral", "number", roman,
          ["Write {} in Roman numerals.", "What is {} in Roman numerals?", "Give me {} in Roman numerals.",
           "Turn {} into Roman numerals."], "legion"),
    Skill("capital-city", "country", CAPITALS.__getitem__,
          ["What is the capital of {}?", "Name the capital of {}.", "Give me the capital of {}.",
           "Which city is the capital of {}?"], None),
]
NEW_WORDINGS = {                    # never trained on; measured apart
    "reverse-word": ["Say {} backwards.", "Put {} backwards."],
    "shout": ["Put {} into upper case.", "Shout {} for me."],
    "spell-out": ["Spell {} for me.", "How do you spell out {}?"],
    "no-vowels": ["Give me {} without vowels.", "Say {} without vowels."],
    "plural": ["Say {} in the plural.", "Turn {} into the plural."],
    "past-tense": ["Say {} in the past tense.", "Turn {} into the past tense."],
    "roman-numeral": ["Put {} into Roman numerals.", "Say {} in Roman numerals."],
    "capital-city": ["Say the capital of {}.", "Which is the capital of {}?"],
}
BY_NAME = {skill.name: skill for skill in SKILLS}

_split = random.Random("which words are held out")
_IRREGULAR = {"deer", "fish", "sheep", "leaf", "wolf", "scarf", "goose", "mouse"}   # the rule would teach a wrong plural
_nouns = _split.sample(sorted(set(NOUNS) - _IRREGULAR), len(set(NOUNS) - _IRREGULAR))
HELD_OUT = {
    "noun": _nouns[:HELD_OUT_PER_SKILL],
    "verb": _split.sample([v for v in VERBS if v not in NOUNS], HELD_OUT_PER_SKILL),
    "number": [str(n) for n in _split.sample(range(1, LARGEST_NUMBER + 1), HELD_OUT_PER_SKILL)],
    "country": list(CAPITALS),      # nothing to hold out: a capital is known or it is not
}
_unseen = {word for kind in ("noun", "verb", "number") for word in HELD_OUT[kind]}
SEEN = {
    "noun": [w for w in _nouns if w not in _unseen],
    "verb": [w for w in sorted(set(VERBS)) if w not in _unseen],
    "number": [str(n) for n in range(1, LARGEST_NUMBER + 1) if str(n) not in _unseen],
    "country": list(CAPITALS),
}
INVENTED_SHARE = 0.5                # rules need more words than a hand-written list has


def invented_word(rng: random.Random) -> str:
    """A pronounceable word of three to eight letters that nobody has seen."""
    onsets = "b c d f g h j k l m n p r s t v w y z br ch cl cr dr fl fr gl gr pl pr qu sc sh sl sn sp st th tr tw wh".split()
    codas = ["", "", "", *"b d g k l m n p r t x y".split(), *"ch ck ft ll lt mp nd ng nk nt rd rk rm rn rt sh sk ss st th".split()]
    vowels = [*"aaeeiioou", "ai", "ea", "ee", "oa", "oo", "ou"]
    while True:
        word = "".join(rng.choice(onsets) + rng.choice(vowels) for _ in range(rng.choice([1, 1, 2]))) + rng.choice(codas)
        if rng.random() < 0.25:
            word = rng.choice(VOWELS) + word
        if rng.random() < 0.2 and word[-1] not in VOWELS + "y":
            word += rng.choice("ey")
        if 3 <= len(word) <= 8 and word not in _unseen:
            return word


def training_input(skill: Skill, rng: random.Random) -> str:
    if skill.kind in ("noun", "verb") and rng.random() < INVENTED_SHARE:
        return invented_word(rng)
    if skill.kind == "noun" and skill.name != "plural" and rng.random() < 0.3:
        return rng.choice(SEEN["verb"])
    return rng.choice(SEEN[skill.kind])


def typed_by_hand(question: str, rng: random.Random) -> str:
    """People leave out the capital or the full stop; a newcomer's question should still be understood."""
    if rng.random() < 0.15:
        question = question[0].lower() + question[1:]
    if rng.random() < 0.15:
        question = question[:-1]
    return question


def training_question(skill: Skill, rng: random.Random) -> tuple[str, str, str]:
    """A question, its answer, and the input it is about."""
    word = training_input(skill, rng)
    return typed_by_hand(rng.choice(skill.wordings).format(word), rng), skill.answer(word), word


def question_words() -> list[str]:
    """The words of all wordings: each is one token, so that questions are short."""
    text = " ".join(w for skill in SKILLS for w in skill.wordings).replace("{}", " ")
    words = set(re.findall(r"[A-Za-z]+", text))
    return sorted(words | {w.lower() for w in words})


def held_out_questions(wordings: dict[str, list[str]] | None = None) -> list[dict]:
    """The test: inputs that no training line has ever contained, in the order and format of questions.json."""
    rng = random.Random("held-out questions")
    questions = []
    for skill in SKILLS:
        asked = wordings[skill.name] if wordings else skill.wordings
        for i, word in enumerate(rng.sample(HELD_OUT[skill.kind], HELD_OUT_PER_SKILL)):
            questions.append({"skill": skill.name, "prompt": asked[i % len(asked)].format(word),
                              "answer": skill.answer(word), "wording": "new" if wordings else "trained"})
    return questions
