"""A small parser for STIX patterns after the reference (stix-patterning.md, §1 to §3): says whether a
pattern is valid, and why not. Written for these tests alone."""

import re

from stix_formats import HASHES, base64_text, hash_value, timestamp

WHITE = "\t\n\x0b\x0c\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
KEYWORDS = set(
    "AND OR NOT FOLLOWEDBY LIKE MATCHES ISSUBSET ISSUPERSET EXISTS IN START STOP WITHIN SECONDS REPEATS TIMES "
    "true false LAST".split()
)
TOKEN = re.compile(
    rf"""(?P<space>[{WHITE}]+|/\*.*?\*/|//[^\n]*)
    |(?P<hex>h'[^']*')|(?P<binary>b'[^']*')|(?P<timestamp>t'[^']*')
    |(?P<string>'(?:[^'\\]|\\['\\])*')
    |(?P<float>[+-]?[0-9]*\.[0-9]+)|(?P<integer>[+-]?(?:0|[1-9][0-9]*))
    |(?P<word>[A-Za-z_][A-Za-z0-9_]*(?:-[A-Za-z0-9_-]*)?)
    |(?P<operator>==|!=|<>|<=|>=|[=<>])|(?P<mark>[][().:,*])""",
    re.X | re.S,
)
COMPARISON = {"=", "==", "!=", "<>"}
ORDER = {"<", ">", "<=", ">="}
DEPTH = 128


class Wrong(Exception):
    """Why a pattern is not valid."""


def problem(text):
    """None for a valid pattern, else what is wrong with it."""
    try:
        parser = Parser(tokens(text))
        parser.observations(0)
        parser.end()
    except Wrong as found:
        return str(found)
    return None


def tokens(text):
    found, at = [], 0
    while at < len(text):
        token = TOKEN.match(text, at)
        if not token:
            raise Wrong(f"no token at {at}")
        at = token.end()
        if token.lastgroup != "space":
            found.append((token.lastgroup, token.group()))
    return found + [("end", "")]


def unquote(text):
    return re.sub(r"\\(.)", r"\1", text[1:-1], flags=re.S)


class Parser:
    """Recursive descent over the tokens, one method for each rule of §2."""

    def __init__(self, found):
        self.tokens, self.at = found, 0

    def peek(self, *texts):
        name, text = self.tokens[self.at]
        return text in texts and name in ("word", "mark", "operator")

    def next(self):
        self.at += 1
        return self.tokens[self.at - 1]

    def take(self, *texts):
        if not self.peek(*texts):
            raise Wrong(f"{' or '.join(texts)} expected, not {self.tokens[self.at][1]!r}")
        return self.next()[1]

    def kind(self, *names):
        name, text = self.next()
        if name not in names:
            raise Wrong(f"{' or '.join(names)} expected, not {text!r}")
        return name, text

    def end(self):
        self.kind("end")

    def observations(self, depth):
        if depth > DEPTH:
            raise Wrong("too deep")
        self.observation(depth)
        while self.peek("AND", "OR", "FOLLOWEDBY"):
            self.next()
            self.observation(depth)

    def observation(self, depth):
        if self.take("[", "(") == "[":
            if not self.comparison(depth):
                raise Wrong("AND across object types")
            self.take("]")
        else:
            self.observations(depth + 1)
            self.take(")")
        seen = set()
        while self.peek("WITHIN", "REPEATS", "START"):
            word = self.next()[1]
            if word in seen:
                raise Wrong(f"{word} twice")
            seen.add(word)
            self.qualifier(word)

    def qualifier(self, word):
        if word == "WITHIN":
            if float(self.kind("integer", "float")[1]) <= 0:
                raise Wrong("WITHIN must be positive")
            self.take("SECONDS")
        elif word == "REPEATS":
            if int(self.kind("integer")[1]) < 1:
                raise Wrong("REPEATS must be positive")
            self.take("TIMES")
        else:
            self.constant("timestamp")
            self.take("STOP")
            self.constant("timestamp")

    def comparison(self, depth):
        """The object types that can satisfy it, as of §3."""
        found = self.conjunction(depth)
        while self.peek("OR"):
            self.next()
            found = found | self.conjunction(depth)
        return found

    def conjunction(self, depth):
        found = self.test(depth)
        while self.peek("AND"):
            self.next()
            found = found & self.test(depth)
            if not found:
                raise Wrong("AND across object types")
        return found

    def test(self, depth):
        if depth > DEPTH:
            raise Wrong("too deep")
        if self.peek("("):
            self.next()
            found = self.comparison(depth + 1)
            self.take(")")
            return found
        if self.peek("NOT"):
            self.next()
            self.take("EXISTS")
            return {self.path()[0]}
        if self.peek("EXISTS"):
            self.next()
            return {self.path()[0]}
        path = self.path()
        if self.peek("NOT"):
            self.next()
        self.operator(path)
        return {path[0]}

    def operator(self, path):
        word = self.take(*COMPARISON, *ORDER, "IN", "LIKE", "MATCHES", "ISSUBSET", "ISSUPERSET")
        ordered = ("integer", "float", "string", "binary", "hex", "timestamp")
        if word in COMPARISON:
            self.hash_constant(path, self.constant(*ordered, "boolean"))
        elif word in ORDER:
            self.constant(*ordered)
        elif word == "IN":
            self.members(path, (*ordered, "boolean"))
        else:
            constant = self.constant("string")
            if word == "MATCHES":
                expression(unquote(constant[1]))

    def members(self, path, allowed):
        self.take("(")
        kinds = set()
        while not self.peek(")"):
            constant = self.constant(*allowed)
            self.hash_constant(path, constant)
            kinds.add("number" if constant[0] in ("integer", "float") else constant[0])
            if self.peek(","):
                self.next()
                if self.peek(")"):
                    raise Wrong("comma before )")
            elif not self.peek(")"):
                raise Wrong(", or ) expected")
        self.next()
        if len(kinds) > 1:
            raise Wrong("constants of different types in IN")

    def constant(self, *names):
        name, text = self.next()
        if name == "word" and text in ("true", "false"):
            name = "boolean"
        if name not in names:
            raise Wrong(f"{' or '.join(names)} expected, not {text!r}")
        inner = text[2:-1]
        if name == "hex" and not re.fullmatch("([0-9A-Fa-f]{2})*", inner):
            raise Wrong("hexadecimal")
        if name == "binary" and not base64_text(re.sub("[\r\n]", "", inner)):
            raise Wrong("base64")
        if name == "timestamp" and isinstance(timestamp(inner), str):
            raise Wrong("timestamp")
        return name, text

    def hash_constant(self, path, constant):
        if constant[0] == "string" and len(path) > 2 and path[-2] == "hashes" and path[-1] in HASHES:
            if not hash_value(path[-1], unquote(constant[1])):
                raise Wrong(f"not a {path[-1]} value")

    def path(self):
        """[object type, names of the steps]"""
        type_name = self.kind("word")[1]
        if type_name in KEYWORDS:
            raise Wrong(f"{type_name} is reserved")
        self.take(":")
        steps = [type_name, self.name()]
        while self.peek(".", "["):
            if self.next()[1] == ".":
                steps.append(self.name())
                continue
            if self.peek("*"):
                self.next()
            elif int(self.kind("integer")[1]) < 0:
                raise Wrong("negative index")
            self.take("]")
        return steps

    def name(self):
        name, text = self.kind("word", "string")
        if name == "string":
            return unquote(text)
        if "-" in text or text in KEYWORDS:
            raise Wrong(f"{text} needs quotes")
        return text


def expression(text):
    """Refuses only what no PCRE is: brackets that do not close, a repetition of nothing, a lone backslash."""
    plain = re.sub(r"\\(.)", lambda found: r"\." if not found[1].isalnum() else "a", text, flags=re.S)
    plain = re.sub(r"\(\?(P?<[A-Za-z_]\w*>|[imsxU-]+[:)]|[:=!]|<[=!]|>)", lambda found: "" if found[1].endswith(")") else "(", plain)
    try:
        re.compile(plain)
    except re.error as found:
        raise Wrong(f"expression: {found}") from None
