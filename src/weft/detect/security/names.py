"""What a name asked of DNS looks like: which domain was registered, how much it carries, whether somebody made it up.

The registered domain is guessed without a list of public suffixes: the last two labels, three below such as ``co.uk``.
"""

from __future__ import annotations

import math
from collections import Counter
from functools import cache, lru_cache

_SECOND_LEVEL = frozenset(
    ("co", "com", "net", "org", "gov", "ac", "edu", "or", "ne", "go", "gob", "mil", "nom", "plc", "ltd", "gv", "sch")
)
#: Infrastructure below which names are made by machines for everybody: reverse lookups, service discovery, own zones.
_MACHINE_ZONES = ("in-addr.arpa", "ip6.arpa", "_msdcs", "_tcp", "_udp", "local", "localdomain", "home.arpa", "internal")
#: Words of which names of sites are made: what pairs of letters people use in names is counted from them.
_WORDS = """
able about account action active adobe advert agency airport alert amazon analytics android answer apple archive
assets asset auth auto back bank base beauty best beta better bicycle billing black blog blue board book booking
border box brand bridge broad browser build business buy cable cache camera campaign capital car card care carrier
cart cast catalog center central certificate change channel chat check chicken child choice christian church circle
city class clean client clock close cloud club code coffee collect college color comment commerce common community
company compare computer connect contact content control cook cool corner corporate count country coupon course
cover craft create credit crystal culture custom daily dance dash data date deal dealer default deliver delivery demo
dental design desk developer device dialog digital direct directory discount discover doctor document domain double
download dragon dream drive eagle earth easy economy edge edit education electric element email energy engine english
enter estate event every exchange expert explore express extra face factory family farm fashion fast feed field film
filter finance find fire first fish fitness flash flight flower focus food football force forest form forum forward
foundation frame free fresh friend front fuel full fund future gallery game garden gate gateway general german get
gift girl global gold golf good google grand graph great green group growth guard guide guitar hair hand happy hard
health heart heat help herald high history hockey holiday home honey hope horse hospital host hotel hour house human
hunter image images imagine inbox index industry info inside insight install instant insurance intel interest
international internet invest island jewel job join journal jump junior just keep kernel key kids kind king kitchen
knowledge label land language laser last launch law layer leader learn legal letter library life light like line link
list little live load local location lock log login logistics look love lucky machine magazine magic mail main make
manage manager map marine market marketing master match math media medical member message meta metal method micro
microsoft middle mile military mind mini mobile model modern module money monitor moon motor mountain move movie
music name nation national native nature net network new news next night noble north note notify number nurse ocean
offer office official online open option orange order organic origin outdoor outlook over owner pacific package page
paint panel paper parent park part partner party pass path patient pay payment people perfect person pet phone photo
picture pilot pixel place plan planet plastic platform play player plus point policy pool popular portal post power
premium press price print privacy pro product profile program project promo property protect proxy public publish
pulse purple push quality quest quick quote radio rail rain rank rapid rate reach read ready real record red redirect
region register relay release remote rent repair report request research reserve resource response rest result retail
review reward ring river road robot rock room root rose route royal safe sale sample santa school science score
screen script search season secure security select sell send senior sense sensor serve server service session set
share shell shield ship shoe shop show side sign signal silver simple site sky sleep small smart smile social soft
software solar solution song sound source south space speed spirit sport spring square staff stage standard star start
state static station stats status steel step stock stone store storage storm story stream street studio student style
summer sun super supply support surf survey sweet switch system table talk target tax team tech telecom telemetry
template test text theme think ticket tiger time title today token tool top total touch tour town toy track trade
traffic train transfer transit translate travel tree trial trip truck true trust turbo twitter ultra union unique unit
united universe university update upload urban user valley value vector vehicle video view village vision visit visual
vital voice wall water wave wealth weather web wedding week welcome west wheel white widget wiki wild wind window
winter wire wireless woman wonder wood word work world write yahoo yellow young your youth youtube zone
"""
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


@lru_cache(maxsize=1 << 14)
def registered_domain(name: str) -> str:
    """The domain that somebody registered, of a name in small letters without the last dot."""
    labels = name.split(".")
    if len(labels) >= 3 and len(labels[-1]) == 2 and labels[-2] in _SECOND_LEVEL:
        return ".".join(labels[-3:])
    return ".".join(labels[-2:])


def is_machine_zone(name: str) -> bool:
    """Whether names there are made by machines for everybody, so that odd ones mean nothing."""
    return any(name.endswith(f".{zone}") or f".{zone}." in name for zone in _MACHINE_ZONES)


def is_address_lookup(sub: str) -> bool:
    """Whether labels spell an address backwards, as lists of senders are asked (RFC 5782)."""
    labels = sub.split(".")
    if len(labels) >= 4 and all(label.isdigit() and len(label) <= 3 for label in labels[:4]):
        return True
    return len(labels) >= 32 and all(len(label) == 1 for label in labels[:32])


def entropy(text: str) -> float:
    """Shannon entropy of the characters, in bits for each."""
    if not text:
        return 0.0
    return -sum(n / len(text) * math.log2(n / len(text)) for n in Counter(text).values())


@cache
def _pairs() -> dict[str, float]:
    """Logarithm (base 2) of how often a letter follows another in names that people chose, ``^`` being the begin."""
    counts: Counter[str] = Counter()
    firsts: Counter[str] = Counter()
    for word in _WORDS.split():
        for pair in zip(f"^{word}", word, strict=False):
            counts["".join(pair)] += 1
            firsts[pair[0]] += 1
    return {
        a + b: math.log2((counts[a + b] + 0.5) / (firsts[a] + 0.5 * len(_LETTERS)))
        for a in f"^{_LETTERS}" for b in _LETTERS
    }  # fmt: skip


@lru_cache(maxsize=1 << 14)
def oddness(label: str) -> float:
    """How little a label looks like words: bits for each character beyond what letters drawn by lot would cost.

    Above 0: a lot would have drawn it as likely. Most words are below −0.3; digits among letters count as odd.
    """
    pairs, even = _pairs(), math.log2(len(_LETTERS))
    cost, count, before = 0.0, 0, "^"
    for letter in label:
        if letter in "-_":
            before = "^"
            continue
        if letter.isdigit():
            cost += even if before != "^" else even - 1
            before = "^"
        else:
            cost += -pairs.get(before + letter, -even - 2)
            before = letter
        count += 1
    return cost / count - even if count else -even
