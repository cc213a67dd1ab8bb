"""Small talk: requests that belong to none of the skills, and answers to them. What the base calls an ordinary request."""

import random

from skills import SEEN

TEMPLATES = """
Where is the {n}?|In the {n}.
Where is my {n}?|In the {n}.
Who has the {n}?|The {n}.
Who took my {n}?|The {n}.
Is the {n} in the {n}?|Yes.
Is it a {n} or a {n}?|A {n}.
Do you like my {n}?|Yes.
Do you like the {n}?|No.
Do you have a {n}?|A {n}.
Do you {v} a lot?|Yes.
How do you like the {n}?|A lot.
How is the {n}?|Good.
How old is your {n}?|Very old.
How many of them {v}?|Ten.
What is in the {n}?|A {n}.
What is a {n} for?|To {v}.
What is the name of your {n}?|Say {n}.
What do you {v}?|The {n}.
What is it?|A {n}.
Which {n} is it?|My {n}.
Which of them is a {n}?|The {n}.
Can I {v} the {n}?|Yes.
Can you {v} for me?|No.
Can you {v}?|Yes.
May I have the {n}?|Yes.
Give me the {n}.|Here.
Give me a {n} for the {n}.|Here.
Give the {n} a {n}.|Yes.
Put the {n} into the {n}.|Done.
Put it in the {n}.|Done.
Turn the {n} for me.|Done.
Turn to the {n}.|Done.
Write to the {n}.|Done.
Write a word for the {n}.|A {n}.
Say a word to the {n}.|Good {n}.
Say it to me.|A {n}.
Name a {n}.|The {n}.
Name one for me.|A {n}.
I {v} in the {n}.|Good.
I have a {n} and a {n}.|Good.
I like to {v}.|So do I.
I want a {n}.|Here.
My {n} is very old.|So is my {n}.
My {n} is in the {n}.|Good.
The {n} is out.|Good.
The {n} is in the city.|Yes.
The {n} of the {n} is old.|Yes.
It is a {n}.|Yes.
We {v} very often.|Good.
Tell me about the {n}.|It is old.
Tell me of your {n}.|It is new.
Why do you {v}?|For the {n}.
When do we {v}?|Now.
Let us {v} the {n}.|Yes.
Please {v} it.|Done.
Thank you for the {n}.|Good.
One {n} and one {n}.|Two.
Not without my {n}.|No.
Good morning, {n}.|Good.
""".strip().split("\n")


def small_talk(rng: random.Random) -> tuple[str, str]:
    """A request and an answer that could be one."""
    template = rng.choice(TEMPLATES)
    while "{" in template:
        kind = "noun" if template[template.index("{") + 1] == "n" else "verb"
        template = template.replace("{" + kind[0] + "}", rng.choice(SEEN[kind]), 1)
    request, answer = template.split("|")
    return request, answer
