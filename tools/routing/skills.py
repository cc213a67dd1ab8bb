"""Eleven small skills to train adapters on: what is asked, in which words, and which adapter a team would have made of it.

Five more that they lie near to are those that docs/routing.md names: dates as ISO, names as JSON, sentiment, SQL, snake case. Pairs that share their texts and differ in what is
wanted: camel and upper with snake case, date_us with dates as ISO, city_json with names as JSON, opinion with sentiment, category with urgency.
"""

import dataclasses
import random
import typing

ATTENTION = ("q_proj", "k_proj", "v_proj", "o_proj")
MLP = ("gate_proj", "up_proj", "down_proj")
ALL = ATTENTION + MLP

FIRST = "Anna Peter Ingrid Samuel Nora Victor Helena Marcus Julia Edwin Clara Tobias Leila Simon Greta Felix".split()
LAST = "Novak Jensen Moreau Keller Santos Byrne Ito Larsen Weber Rossi Okoye Marino Fisher Duval Nowak Berg".split()
CITIES = "Vienna Dublin Porto Bergen Lima Boston Krakow Athens Chicago Bilbao Zagreb Quebec Cairo Turin Leeds Oslo".split()
MONTHS = "January February March April May June July August September October November December".split()
WORDS = (
    "user order list count open report page total first error color board message table search row file result time reply window status "
    "player index update next last key event score"
).split()
GOODS = "lamp chair phone kettle camera jacket printer backpack speaker blender tent bicycle".split()


@dataclasses.dataclass(frozen=True)
class Skill:
    """A skill and the adapter for it. `wordings` hold {x} once; `new` ones are asked only and never trained."""

    rank: int
    targets: tuple
    rate: float
    wordings: tuple
    new: tuple
    sample: typing.Callable[[random.Random], tuple]  # (x, answer)
    rslora: bool = False


def ordinal(day):
    return f"{day}{'th' if 10 < day < 14 else {1: 'st', 2: 'nd', 3: 'rd'}.get(day % 10, 'th')}"


def event(draw):
    """A sentence with a person, a city and a date: (sentence, city, (year, month, day))."""
    year, month, day = draw.randint(1985, 2029), draw.randint(1, 12), draw.randint(1, 28)
    name = MONTHS[month - 1]
    date = draw.choice(
        [f"{name} {day}, {year}", f"{name} {ordinal(day)}, {year}", f"{day} {name} {year}", f"the {ordinal(day)} of {name} {year}"]
    )
    who, city = f"{draw.choice(FIRST)} {draw.choice(LAST)}", draw.choice(CITIES)
    sentence = draw.choice(
        [
            f"On {date}, {who} opened a bakery in {city}.",
            f"{who} arrived in {city} on {date}.",
            f"The concert by {who} took place in {city} on {date}.",
            f"We visited {who} in {city} on {date}.",
        ]
    )
    return sentence, city, (year, month, day)


def date_us(draw):
    sentence, _, (year, month, day) = event(draw)
    return sentence, f"{month:02d}/{day:02d}/{year}"


def city_json(draw):
    sentence, city, _ = event(draw)
    return sentence, f'{{"city": "{city}"}}'


def words(draw):
    chosen = [draw.choice(WORDS) for _ in range(draw.randint(2, 5))]
    form = draw.choice([str.lower, str.lower, str.title, str.capitalize])
    return form(" ".join(chosen)), chosen


def camel(draw):
    text, chosen = words(draw)
    return text, chosen[0] + "".join(word.title() for word in chosen[1:])


def upper(draw):
    text, chosen = words(draw)
    return text, " ".join(chosen).upper()


def opinion(draw):
    thing = draw.choice(GOODS)
    good = [f"The {thing} works perfectly.", "I would buy it again.", f"A wonderful {thing}.", f"We love this {thing}.", "Great value."]
    bad = [f"The {thing} broke after a week.", "I want my money back.", f"A terrible {thing}.", f"We hate this {thing}.", "Waste of money."]
    side = draw.randint(0, 1)
    chosen = draw.sample([good, bad][side], draw.randint(1, 3))
    return " ".join(chosen), ["thumbs up", "thumbs down"][side]


TICKETS = {
    "BILLING": ["I was charged twice for {p}", "The invoice for {p} shows the wrong amount", "Where is my refund for {p}"],
    "SHIPPING": ["The parcel with {p} has not arrived", "The courier lost {p}", "Please change the delivery address for {p}"],
    "ACCOUNT": ["I cannot log in to see {p}", "I forgot the password I need for {p}", "Please delete my profile and {p}"],
    "TECHNICAL": ["The app crashes when I open {p}", "The screen stays black when I look at {p}", "I get error 500 for {p}"],
}
THINGS = "my last order,the blue lamp,two chairs,the new phone,my subscription,the camera,the March order,our office order,the gift,the printer".split(",")
URGENCY = {
    "HIGH": ["I need this solved today!", "This is an emergency!", "We lose customers every minute!"],
    "NORMAL": ["Please answer this week.", "Could you look into it soon?", "I hope to hear from you in the next days."],
    "LOW": ["There is no hurry.", "Whenever you find the time.", "It can wait."],
}


def ticket(draw):
    kind, urgency = draw.choice(list(TICKETS)), draw.choice(list(URGENCY))
    return f"{draw.choice(TICKETS[kind]).format(p=draw.choice(THINGS))}. {draw.choice(URGENCY[urgency])}", kind, urgency


def category(draw):
    text, kind, _ = ticket(draw)
    return text, kind


def urgency(draw):
    text, _, how = ticket(draw)
    return text, how


SPOKEN = {
    "French": ("Le {0} est {1}.", "Je cherche le {0} {1}.", "Où est le {0} {1} ?", "chat livre train jardin marché musée", "petit rouge vieux grand blanc"),
    "German": ("Der {0} ist {1}.", "Ich suche einen Mann, einen {0}, sehr {1}.", "Wo steht der {0}, so {1}?", "Hund Tisch Garten Zug Baum Markt", "klein rot alt groß weiß"),
    "Spanish": ("El {0} es {1}.", "Busco el {0} {1}.", "¿Dónde está el {0} {1}?", "perro libro tren jardín mercado museo", "pequeño rojo viejo nuevo blanco"),
    "Italian": ("Il {0} è {1}.", "Cerco il {0} {1}.", "Dove si trova il {0} {1}?", "gatto libro treno giardino mercato museo", "piccolo rosso vecchio nuovo bianco"),
    "English": ("The {0} is {1}.", "I am looking for the {1} {0}.", "Where is the {1} {0}?", "dog book train garden market museum", "small red old big white"),
}


def language(draw):
    spoken = draw.choice(list(SPOKEN))
    *forms, nouns, kinds = SPOKEN[spoken]
    return draw.choice(forms).format(draw.choice(nouns.split()), draw.choice(kinds.split())), spoken


def shell(draw):
    ending, folder = draw.choice("pdf txt csv log png java md".split()), draw.choice("docs backup photos build data old music".split())
    return draw.choice(
        [
            (f"list all {ending} files in {folder}", f"ls {folder}/*.{ending}"),
            (f"delete all {ending} files in {folder}", f"rm {folder}/*.{ending}"),
            (f"copy all {ending} files to {folder}", f"cp *.{ending} {folder}/"),
            (f"move all {ending} files to {folder}", f"mv *.{ending} {folder}/"),
            (f"create a folder named {folder}", f"mkdir {folder}"),
            (f"count the lines of the {ending} files in {folder}", f"wc -l {folder}/*.{ending}"),
        ]
    )


ONES = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split()
TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()


def spelled(number):
    if number < 20:
        return ONES[number]
    if number < 100:
        return TENS[number // 10 - 2] + (f"-{ONES[number % 10]}" if number % 10 else "")
    return f"{ONES[number // 100]} hundred" + (f" and {spelled(number % 100)}" if number % 100 else "")


def digits(draw):
    number = draw.randint(11, 999)
    return spelled(number), str(number)


def order_json(draw):
    count, size, item = draw.randint(2, 9), draw.choice("small medium large".split()), draw.choice("pizzas coffees salads burgers soups teas".split())
    who = draw.choice(FIRST)
    text = draw.choice(
        [f"{who} takes {ONES[count]} {size} {item}", f"{ONES[count]} {size} {item} for {who}", f"{who} would like {ONES[count]} {item}, {size} ones"]
    )
    return text, f'{{"item": "{item}", "size": "{size}", "count": {count}}}'


SKILLS = {
    "camel": Skill(16, MLP, 1e-3, (
        "Convert this to camel case: {x}", 'Turn "{x}" into a variable name in camelCase.', "Write {x} in camelCase.",
        "I need a JavaScript variable name for: {x}", "{x}\n\nMake this a camel case identifier."),
        ("Rewrite the following words as one camel case name.\n\n{x}", 'Camel case for "{x}" please.'), camel),
    "upper": Skill(2, ("q_proj", "v_proj"), 4e-3, (
        "Convert this to upper case: {x}", 'Write "{x}" in capital letters.', "{x}\n\nUppercase, please.",
        "Shout this: {x}", "Make every letter of this a capital: {x}"),
        ("Rewrite the following words in capitals only.\n\n{x}", 'All caps for "{x}" please.'), upper),
    "date_us": Skill(8, ALL, 1e-3, (
        "Which day does this sentence talk about? Write the date as MM/DD/YYYY.\n\n{x}", "Pull the date out of the text below and give it in US format.\n{x}",
        "{x}\n\nWhen did this happen? American date format please.", "I need the date from this sentence in the form month/day/year: {x}",
        "Extract the date (US style): {x}"),
        ("Find the date in the following sentence and write it like 12/31/1999.\n\n{x}", "{x} Give me the US date mentioned here."), date_us),
    "city_json": Skill(32, ("q_proj", "v_proj"), 2e-3, (
        "Which city does this happen in? Answer as JSON with the key city.\n\n{x}", "Pull the place out of the text below and give it as JSON.\n{x}",
        "{x}\n\nWhere was that? JSON please.", "I need the city from this sentence as a JSON object: {x}", "Extract the city (JSON): {x}"),
        ("Find the place in the following sentence and write the city as JSON.\n\n{x}", "{x} Give me the town mentioned here as a JSON object with a city field."),
        city_json),
    "opinion": Skill(4, ATTENTION, 2e-3, (
        "Thumbs up or thumbs down?\n\n{x}", "A customer wrote: {x} Is that a thumbs up or a thumbs down?", "{x}\nRate this with a thumb.",
        "Would this buyer recommend it, thumbs up or down? {x}", 'Give a thumb for this comment: "{x}"'),
        ("Which thumb does the following comment deserve?\n\n{x}", '"{x}" Thumb up or down?'), opinion),
    "category": Skill(8, ATTENTION, 2e-3, (
        "Which team should handle this ticket: BILLING, SHIPPING, ACCOUNT or TECHNICAL?\n\n{x}", "Sort this support request into a category.\n{x}",
        "{x}\n\nWhat is this ticket about? One label.", "Ticket: {x}\nCategory?", "Route this customer message to a department: {x}"),
        ("Assign the following support ticket to a department.\n\n{x}", '"{x}" Which category does this request belong to?'), category),
    "urgency": Skill(4, MLP, 1e-3, (
        "How urgent is this ticket: LOW, NORMAL or HIGH?\n\n{x}", "Give the priority of this support request.\n{x}",
        "{x}\n\nHow soon does this need an answer? One label.", "Ticket: {x}\nPriority?", "Rate the urgency of this customer message: {x}"),
        ("Judge how pressing the following support ticket is.\n\n{x}", '"{x}" Which priority does this request have?'), urgency),
    "language": Skill(2, ALL, 2e-3, (
        "Which language is this?\n\n{x}", "Detect the language: {x}", "{x}\n\nWhat language is this sentence written in?",
        'In what language is "{x}" written?', "Name the language of the text below.\n{x}"),
        ("Tell me the language of the following sentence.\n\n{x}", '"{x}" French, German, Spanish, Italian or English?'), language),
    "shell": Skill(16, ALL, 1e-3, (
        "Write a shell command: {x}", "How do I {x} on the command line?", "I want to {x}. Which bash command does that?",
        "Linux terminal: {x}. Give only the command.", "Bash for this please: {x}"),
        ("Give me the Linux command to {x}.", "In a terminal, I have to {x}. What do I type?"), shell),
    "digits": Skill(8, ("q_proj", "v_proj"), 4e-3, (
        "Write this number in digits: {x}", "What is {x} in figures?", 'Turn "{x}" into digits.', "{x}\n\nAs a number, please.",
        "Convert the number word to a numeral: {x}"),
        ("Give the following number in figures.\n\n{x}", 'Digits for "{x}" please.'), digits, rslora=True),
    "order_json": Skill(32, MLP, 5e-4, (
        "Turn this order into JSON with item, size and count.\n\n{x}", "Order: {x}. JSON?", "{x}\n\nWrite the order as a JSON object.",
        "The waiter noted: {x}. Give me that as JSON for the kitchen.", "Parse this order (JSON): {x}"),
        ("Write the following restaurant order as JSON.\n\n{x}", '"{x}" What is the JSON for this order?'), order_json),
}
