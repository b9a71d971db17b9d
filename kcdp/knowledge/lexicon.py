"""Closed lists of words that the triplet rules treat in their own way; all are lemmas unless said otherwise."""

from __future__ import annotations


def _words(*lines: str) -> frozenset[str]:
    return frozenset(" ".join(lines).split())


#: Kinds of picture, and parts of one: a caption mentions them but is not about them.
PICTURE_NOUNS = _words(
    "image photo photograph picture painting drawing illustration sketch portrait sticker cartoon clipart rendering",
    "render icon scene background foreground backdrop close closeup close-up snapshot selfie artwork graphic animation",
    "gif meme logo silhouette doodle screenshot depiction outline",
)
#: A kind of picture that is a character as well: it may cry, but that it is flat is nothing to know.
EMOJI_NOUNS = _words("emoji emoticon smiley")
#: Texts: how a picture is made. Of anything, that it is so is nothing to know: "a hand-drawn face", "a cartoon bear".
STYLES = _words(
    "hand-drawn line-drawn scribbled sketched drawn painted cartoon cartoonish animated pixelated black-and-white",
    "stylized stylised photorealistic 2d 3d 2-d 3-d",
)
#: Texts: the same, where they are said of a picture or an emoji, or are part of a name ("sticker cat").
STYLE_WORDS = STYLES | _words(
    "flat animation vector digital pixel blurry blurred grainy monochrome realistic line-art glossy minimalist minimal",
    "emoji emoticon sticker clipart icon photo ink pencil",
)
#: "a group of people": what follows "of" is what the phrase is about.
TRANSPARENT_NOUNS = (
    (PICTURE_NOUNS - _words("background foreground backdrop"))
    | EMOJI_NOUNS
    | _words(
        "group couple pair bunch crowd lot number variety kind type sort set series row up one dozen herd flock bit view shot",
    )
)
#: "none of the dogs", "two of them": determiners that stand for a noun.
QUANTIFIERS = _words("none all some many most several few both each either neither any half")
#: "the image shows", "the mood is": statements about the picture, with no proposition of their own.
PICTURE_SUBJECTS = PICTURE_NOUNS | _words("emotion mood feeling expression atmosphere")
PICTURE_VERBS = _words(
    "depict show feature portray display illustrate capture present convey represent contain include suggest evoke be",
    "take make draw paint render shoot create design set style",
)
#: "several people", "the same dog": words that tell which one is meant, not what it is like.
DETERMINING_ADJECTIVES = _words(
    "other same such many several few last next first second own various certain more most much front top close",
    "different single whole",
)
#: Those that "who" may mean when they stand after "with": "a mother with a baby who is crying".
PERSON_NOUNS = _words(
    "person people man woman child baby boy girl kid toddler infant mother father parent son daughter brother sister",
    "grandmother grandfather husband wife friend bride groom lady gentleman player soldier doctor nurse teacher student",
)
#: What one has on: it does nothing by itself.
CLOTHES = _words(
    "hat cap crown helmet hood wig beard mustache moustache glasses sunglasses mask scarf tie necklace dress skirt suit",
    "shirt t-shirt sweater jacket coat cape apron uniform costume shoe boot glove sock bag backpack bow ribbon tattoo hair",
)
#: Parts of a face or body, and what is on one.
BODY_PARTS = CLOTHES | _words(
    "face eye mouth brow eyebrow lash eyelash pupil tooth teeth fang lip tongue cheek ear nose snout beak head hand arm fist",
    "finger thumb leg foot feet paw claw wing tail horn antler whisker mane tear smile frown grin smirk blush drop mark vein",
)
#: Texts: colours and shapes, which may be read as nouns.
APPEARANCES = _words(
    "red orange yellow green blue purple violet pink brown beige black white gray grey golden silver turquoise teal navy",
    "maroon crimson magenta cyan lilac lavender tan ivory khaki salmon",
    "round square oval flat hollow solid dark light open closed toothy sparkling raised bared",
)
#: Texts: participles that say how a part of a face or body looks, where they stand before it.
LOOKING_PARTICIPLES = _words(
    "sparkling drooping shining glowing bulging twinkling smiling laughing crying shouting screaming drooling blinking",
    "winking squinting staring beaming grinning flaming burning bleeding trembling quivering downturned upturned",
)
#: "in front of the house" is one preposition.
PLACE_NOUNS = _words("front top middle side back edge center centre bottom midst corner")
SPEECH_VERBS = _words(
    "say read shout yell write scream whisper ask sing answer reply reads cry call exclaim spell announce think state"
)
#: What bears the words of a quotation after it: "the word 'love'".
SPEECH_NOUNS = _words("word words text letter letters caption phrase sign message slogan title name inscription label")
#: Verbs that an adjective completes: "looks happy".
LINKING_VERBS = _words("look seem appear feel become get remain stay stand sit lie turn sound")
#: Texts: modal auxiliaries as the tokenizer cuts them from "n't".
MODALS = {"ca": "can", "wo": "will", "sha": "shall"}
#: Verbs whose clauses are not so.
IMAGINING_VERBS = _words("wish hope imagine dream pretend think believe doubt fear want expect")
#: Verbs that say of the deed after them that it ends, or that it is not so: "stops chasing", "kept from laughing".
ENDING_VERBS = _words(
    "stop quit cease finish give refuse fail forget avoid pretend keep resist regret miss deny decline refrain abstain",
    "prevent neglect hesitate dread postpone delay escape hate threaten omit skip",
)
#: "few people", "little snow": hardly any. "A few" and "a little" are some.
SCARCE_QUANTIFIERS = _words("few little fewer less")
#: Verbs whose object does not become the subject of the infinitive after it: "tries the door to get in".
SUBJECT_CONTROL_VERBS = _words("try begin start")
#: Texts, not lemmas: the pronouns that stand for a noun named before.
PERSONAL_PRONOUNS = _words("he she it they him her them")
RELATIVE_PRONOUNS = _words("who which that whom")
#: Texts: what negates a clause, and how a triplet says it.
NEGATIONS = {"not": "not", "n't": "not", "nt": "not", "never": "never"}
#: Texts: adverbs that deny nearly as much, or say that it did not come to it.
NEAR_NEGATIONS = _words("hardly barely scarcely rarely seldom almost nearly")
#: Texts: "not only tired but also hungry" denies nothing.
AFFIRMING_ADVERBS = _words("only just merely simply")
#: Texts: what goes before a noun that is not there. "Neither" is one before the first of two.
NEGATIVE_DETERMINERS = _words("no neither nor")
#: What leads to a thing, or a deed, that is not there, and needs no other word for it; "instead of", "rather than".
NEGATIVE_PREPOSITIONS = _words("without instead rather")
#: Coordinators that end a negation: "not a cat but a dog".
ADVERSATIVES = _words("but yet")
#: Texts: pronouns that stand for no noun named before, there or not.
INDEFINITE_PRONOUNS = _words("nobody nothing somebody someone something everybody everyone everything anybody anyone")
POSSESSIVE_MARKS = _words("' 's")
#: Texts: words that mean nothing by themselves, so that there is no place in a picture to look for them.
FUNCTION_WORDS = _words(
    "a an the this that these those some any no each every either neither both all such",
    "i me my mine you your yours he him his she her hers it its we us our ours they them their theirs oneself",
    "myself yourself himself herself itself ourselves themselves who whom whose which what there here",
    "about above across after against along amid among around as at atop before behind below beneath beside besides",
    "between beyond by despite down during except for from in inside into like near next of off on onto opposite out",
    "outside over past per since through throughout to toward towards under underneath until unto up upon via with",
    "within without and or but nor so yet if because while although though unless whereas than whether when where why how",
    "be am is are was were been being do does did done have has had having can could will would shall should may might must",
    "not never n't isn't aren't wasn't weren't don't doesn't didn't can't cannot won't couldn't wouldn't shouldn't",
    "hasn't haven't hadn't it's he's she's that's there's they're we're you're i'm i've too very also just only even still",
)
