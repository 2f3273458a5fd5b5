"""Hand-written films in the layout of aclimdb, and messages with spam among them: small enough to learn in a second.

films() --publishers.write--> DATA_DIR/aclimdb/{train,test,unsup}.jsonl.gz; messages() --> two sets with spam
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from training.publishers import write

GOOD = ("A wonderful film.", "I loved every minute.", "Brilliant acting, great story!", "A joy from start to end.")
BAD = ("A terrible film.", "I hated every minute.", "Awful acting, boring story!", "A waste from start to end.")
PLAIN = (
    "It is set in Paris.",
    "We went on Monday.",
    "The music is by a friend of mine.",
    "It lasts two hours.",
    "My sister came too.",
    "There is a dog in it.",
    "The cinema was half full.",
    "Outside it rained.",
    "He plays the captain.",
    "She plays the cook.",
)


def texts(label: int) -> list[str]:
    """Forty different texts of two to four sentences."""
    told = GOOD if label else BAD
    return [f"{PLAIN[i % 10]}<br /><br />{told[i % 4]} {told[(i // 4) % 4]} {PLAIN[(i // 10) * 2]}" for i in range(40)]


def rows(part: str) -> list[dict[str, Any]]:
    """Twenty texts of each class; the first text of test stands in train too."""
    half = slice(0, 22) if part == "train" else slice(20, 40)
    return [
        {"id": f"{part}/{label}/{i}", "text": text, "label": label, "label_name": ("negative", "positive")[label]}
        for label in (0, 1)
        for i, text in enumerate(texts(label)[half])
    ]


def films(data_dir: Path) -> Path:
    """Writes the set and gives back `data_dir`."""
    for part in ("train", "test"):
        write(data_dir / "aclimdb" / f"{part}.jsonl.gz", rows(part))
    without = [row | {"id": f"unsup/{row['id']}", "label": -1, "label_name": "unlabelled"} for row in rows("test")]
    without.append(without[0] | {"id": "unsup/new", "text": "Neither here nor there."})
    write(data_dir / "aclimdb" / "unsup.jsonl.gz", without)
    return data_dir


def messages(data_dir: Path) -> Path:
    """Eighty messages, eighty comments, half of each spam; gives back `data_dir`."""
    for name, kind in (("sms_spam_collection", "message"), ("youtube_spam", "comment")):
        told = (f"Shall we meet at the office at {{}} after this {kind}?", f"Claim your free prize {{}} by {kind} now!")
        found = [{"id": f"{i}", "text": told[i % 2].format(i), "label": i % 2, "video": "Eminem"} for i in range(80)]
        write(data_dir / name / "all.jsonl.gz", found)
    return data_dir


RECIPE = """
task = "sentiment"
family = "gru"
sets = ["aclimdb"]
words = 200
epochs = 4
patience = 4
batch = 4
rate = 0.02
seed = 3

[sizes]
pairs = 50
embedding = 8
hidden = 8
word_dropout = 0.1
dropout = 0.1
recurrent_dropout = 0.1
"""


def recipe(folder: Path) -> Path:
    """A recipe that learns the films in four epochs."""
    path = folder / "films.toml"
    path.write_text(RECIPE)
    return path
