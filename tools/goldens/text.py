"""The text that prompts are cut from, a tokenizer trained on it, and chats."""

import json

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

SPECIAL = ["<pad>", "<s>", "</s>", "<|system|>", "<|user|>", "<|assistant|>"]

PASSAGES = """\
The ferry leaves at seven in winter and at six when the nights are short. Nobody aboard remembers a morning without fog.
A heap keeps its smallest entry on top: push, sift up, pop, sift down. Equal keys come out in no promised order.
Mix 300 g of rye with 210 ml of warm water, add salt, and wait until the dough has doubled, which takes 5 to 8 hours.
def area(r): return 3.14159 * r ** 2  # square metres, if r is in metres
Both parties agree that notice is given in writing, at least 30 days before the lease ends, and kept on file.
Glaciers move because ice yields under its own weight; the lower layers creep while the surface cracks.
"Did you lock it?" she asked. "Twice," he said, and went back to look a third time.
SELECT name, price FROM stock WHERE price < 12.50 ORDER BY name;
Straße, señor, fjord, crème brûlée, Ωmega: five words that are longer in bytes than in letters.
"""

ODD = ["", " ", "  two  blanks", "tab\tand\nline", "naïve – “quoted”", "数字と文字", "🦊 fox", "x" * 40, "a<s>b", "I'll've"]

CHAT = (
    "{{ bos_token }}{% for message in messages %}<|{{ message['role'] }}|>\n{{ message['content'] | trim }}\n"
    "{% endfor %}{% if add_generation_prompt %}<|assistant|>\n{% endif %}"
)


def train(entries):
    """A byte-level BPE tokenizer of so many entries."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=entries, special_tokens=SPECIAL, initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(PASSAGES.splitlines(), trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A", pair="<s> $A <s> $B", special_tokens=[("<s>", SPECIAL.index("<s>"))]
    )
    return tokenizer


def save(tokenizer, folder):
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": "<s>",
        "eos_token": "</s>",
        "pad_token": "<pad>",
        "clean_up_tokenization_spaces": False,
        "chat_template": CHAT,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=1))


def chat(tokenizer):
    """A conversation with its text, rendered by transformers' own engine, and the ids."""
    from transformers.utils.chat_template_utils import render_jinja_template

    messages = [
        {"role": "system", "content": " Be brief. "},
        {"role": "user", "content": "How long\nuntil seven?"},
        {"role": "assistant", "content": "Two hours."},
        {"role": "user", "content": "Straße?"},
    ]
    rendered, _ = render_jinja_template([messages], chat_template=CHAT, add_generation_prompt=True, bos_token="<s>")
    ids = tokenizer.encode(rendered[0], add_special_tokens=False).ids
    return {"messages": messages, "add_generation_prompt": True, "text": rendered[0], "ids": ids}


def windows(tokenizer, tokens, rng):
    """Endless pieces of the text that encode to exactly so many tokens."""
    text = PASSAGES.replace("\n", " ")
    while True:
        start = rng.randrange(len(text) - 1)
        for end in range(start + 1, len(text) + 1):
            ids = tokenizer.encode(text[start:end], add_special_tokens=False).ids
            if len(ids) >= tokens:
                break
        if len(ids) == tokens:
            yield text[start:end], ids


def tokenizer_case(tokenizer, folder):
    """What cases/tokenizer.json holds: texts and their ids, both ways."""
    cases = []
    for text in ODD + PASSAGES.splitlines():
        ids = tokenizer.encode(text, add_special_tokens=False).ids
        cases.append(
            {
                "text": text,
                "ids": ids,
                "ids_with_special": tokenizer.encode(text).ids,
                "decoded": tokenizer.decode(ids, skip_special_tokens=True),
                "decoded_with_special": tokenizer.decode(ids, skip_special_tokens=False),
            }
        )
    return {"tokenizer": folder, "cases": cases, "chat": chat(tokenizer)}
