"""The grammar of `when:` expressions, and the words that a fact's name cannot begin with."""

GRAMMAR = r"""
?start: any_of
?any_of: all_of ( _OR all_of )*
?all_of: negated ( _AND negated )*
?negated: _NOT negated          -> negation
        | test
?test: sum COMPARE sum          -> compare
     | sum _IN sum_or_list      -> contained
     | sum _NOT _IN sum_or_list -> not_contained
     | sum _HAS sum             -> has
     | sum _IS _MISSING         -> is_missing
     | sum _IS _KNOWN           -> is_known
     | NAME _OTHER_THAN NAME    -> other_than
     | sum
?sum: sum "+" atom              -> plus
    | sum "-" atom              -> minus
    | atom
?sum_or_list: sum | "[" [ item ( "," item )* [","] ] "]" -> listing
?item: literal
?atom: literal
     | NAME                     -> name
     | "(" any_of ")"           -> group
?literal: AMOUNT                -> amount
        | DAY                   -> day
        | PERCENT               -> percent
        | SPAN                  -> span
        | CLOCK                 -> clock
        | NUMBER                -> number
        | STRING                -> string
        | YES                   -> yes
        | NO                    -> no

_OR.3: /or\b|\|\|/
_AND.3: /and\b|&&/
_NOT.3: /not\b|!(?!=)/
_IN.3: /in\b/
_HAS.3: /has\b/
_IS.3: /is\b/
_OTHER_THAN.3: /other_than\b/
_MISSING.3: /missing\b/
_KNOWN.3: /known\b/
YES.3: /(yes|true)\b/
NO.3: /(no|false)\b/
COMPARE: /==|!=|<=|>=|<|>/
AMOUNT.2: /-?\d{1,20}(\.\d{1,6})?\s*[A-Z]{3}\b/
SPAN.2: /-?\d{1,12}(\.\d{1,6})?\s*(?!(and|not|has|missing|known|yes|true|false)\b)[a-z]{3,}\b/
DAY.3: /\d{4}-\d{2}-\d{2}(?![\w-])/
PERCENT.3: /-?\d{1,12}(\.\d{1,10})?\s*(%|percent\b)/
CLOCK.2: /\d{1,2}:\d{2}(:\d{2})?/
NUMBER.1: /-?\d{1,20}(\.\d{1,10})?(?![\w.:])/
STRING: /"[^"\n]*"|'[^'\n]*'/
NAME: /[A-Za-z_]\w*(\.\w+)*/
%ignore /[ \t\r\n]+/
"""

OPERATORS = (
    ("a == b, a != b", "equal, not equal; both sides of the same type"),
    (
        "a < b, a <= b, a > b, a >= b",
        "numbers, percent, money of one currency, durations, dates, times of day",
    ),
    ("a in [x, y], a not in [x, y]", "one of several values"),
    ("s has x, x in s", "a set holds a value"),
    (
        "input.findings.email other_than customer.email",
        "a found value of this type is not the text, or none of the set, that the fact holds",
    ),
    ("a is missing, a is known", "never unknown themselves"),
    ("a + b, a - b", "numbers, money of one currency, durations"),
    ("not a, a and b, a or b", "also written !, &&, ||; three-valued"),
)
"""The operators, for the reference page."""

RESERVED = frozenset(
    ["and", "or", "not", "in", "has", "is", "missing", "known", "other_than", "yes", "no", "true", "false"]
)

OTHER_THAN = " other_than "
"""Stands between a type of finding and a fact in the name of the fact that compares them."""
