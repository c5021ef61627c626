"""Bodies that are no JSON, no envelope, or carry odd values: security-and-durability.md §5.3."""

import codecs
import json
import uuid

import pytest
from wire import AMBER, SHARED, assert_error, indicator, objects_path, unharmed, wire_hub

PATH = objects_path()
PLAIN = '{"type":"indicator"}'


def body(inner="", after="", before=""):
    """An envelope whose one good object carries `inner`; the answer is also its id."""
    found = indicator()
    text = json.dumps(found)[:-1] + (", " + inner if inner else "") + "}"
    return found["id"], before + '{"objects":[' + text + "]}" + after


BROKEN = {
    "nothing": ("", "", ""), "NaN": ('"x":NaN', "", ""), "Infinity": ('"x":Infinity', "", ""), "-Infinity": ('"x":-Infinity', "", ""),
    "comment": ('"x":1 /* y */', "", ""), "line comment": ('"x":1 // y\n', "", ""), "hash comment": ("", "# x", ""), "trailing comma": ('"x":1,', "", ""),
    "trailing comma in list": ('"x":[1,]', "", ""), "only comma": ('"x":[,]', "", ""), "single quotes": ("'x':1", "", ""), "no quotes": ("x:1", "", ""),
    "leading zero": ('"x":01', "", ""), "negative leading zero": ('"x":-01', "", ""), "plus": ('"x":+1', "", ""), "point first": ('"x":.5', "", ""),
    "point last": ('"x":5.', "", ""), "hexadecimal": ('"x":0x10', "", ""), "empty exponent": ('"x":1e', "", ""), "only minus": ('"x":-', "", ""),
    "tab in string": ('"x":"a\tb"', "", ""), "newline in string": ('"x":"a\nb"', "", ""), "control in key": ('"x\x01":1', "", ""), "NUL byte": ('"x":"a\0b"', "", ""),
    "trailing bytes": ("", "x", ""), "trailing bracket": ("", "}", ""), "trailing NUL": ("", "\0", ""), "two documents": ("", "{}", ""), "True": ('"x":True', "", ""),
    "None": ('"x":None', "", ""), "undefined": ('"x":undefined', "", ""), "bad escape": (r'"x":"\x41"', "", ""), "short escape": (r'"x":"\u12"', "", ""),
    "lone high surrogate": (r'"x":"\ud800"', "", ""), "lone low surrogate": (r'"x":"\udc00"', "", ""), "high and text": (r'"x":"\ud800x"', "", ""),
    "two high": (r'"x":"\ud800\ud800"', "", ""), "turned pair": (r'"x":"\udc00\ud800"', "", ""), "surrogate in key": (r'"\udfff":1', "", ""),
    "form feed between": ('"x":\f1', "", ""), "non-breaking space": ('"x":\u00a01', "", ""), "vertical tab": ('"x":\v1', "", ""), "no colon": ('"x" 1', "", ""),
    "number key": ("1:1", "", ""), "missing value": ('"x":', "", ""), "two commas": ('"x":1,,"y":2', "", ""), "byte order mark": ("", "", "\ufeff"),
    "guard against hijacking": ("", "", ")]}',\n"), "mismatched": ('"x":[1}', "", ""),
}


@pytest.mark.parametrize("parts", [value for key, value in BROKEN.items() if key != "nothing"], ids=[key for key in BROKEN if key != "nothing"])
def test_what_is_not_json_is_400_and_stores_nothing(wire_hub, parts):
    object_id, text = body(*parts)
    message = assert_error(wire_hub.ask("POST", PATH, body=text.encode()), 400)
    assert "byte " in message["title"] + message.get("description", ""), message
    assert not wire_hub.holds(object_id)


@pytest.mark.parametrize("text", [b"", b" ", b"\n\n", b"x", b"{", b"[", b'"', b'{"objects":', b'{"objects":[{', b"nul", b"tru", b"-", b"{]", b"\0", b"\xff"])
def test_short_and_truncated_bodies_are_400(wire_hub, text):
    assert_error(wire_hub.ask("POST", PATH, body=text), 400)


def test_every_truncation_is_400(wire_hub):
    object_id, text = body('"x":{"y":[1,"\u20ac"]}')
    data = text.encode()
    with_stride = list(range(1, len(data), 17)) + [len(data) - 1]
    for length in with_stride:
        assert_error(wire_hub.ask("POST", PATH, body=data[:length]), 400)
    assert not wire_hub.holds(object_id)


@pytest.mark.parametrize("coding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be", "latin-1"])
def test_other_codings_are_400(wire_hub, coding):
    object_id, text = body('"x":"\u00e9"')
    assert_error(wire_hub.ask("POST", PATH, body=codecs.encode(text, coding)), 400)
    assert not wire_hub.holds(object_id)


BYTES = {"lone continuation": b"\x80", "cut sequence": b"\xe2\x82", "overlong slash": b"\xc0\xaf", "overlong NUL": b"\xc0\x80", "overlong three": b"\xe0\x80\xaf",
         "overlong four": b"\xf0\x80\x80\xaf", "encoded surrogate": b"\xed\xa0\x80", "surrogate pair": b"\xed\xa0\x80\xed\xb0\x80", "above range": b"\xf4\x90\x80\x80",
         "five bytes": b"\xf8\x88\x80\x80\x80", "fe": b"\xfe", "ff": b"\xff"}


@pytest.mark.parametrize("data", BYTES.values(), ids=BYTES)
@pytest.mark.parametrize("place", ['"x":"%s"', '"%s":1'], ids=["value", "key"])
def test_invalid_utf_8_is_400(wire_hub, data, place):
    object_id, text = body(place % "MARK")
    assert_error(wire_hub.ask("POST", PATH, body=text.encode().replace(b"MARK", data)), 400)
    assert not wire_hub.holds(object_id)


DUPLICATES = {
    "plain": ('"key":1,"key":2', "key"), "same value": ('"key":1,"key":1', "key"), "deep": ('"x":[{"y":{"key":1,"z":2,"key":3}}]', "key"),
    "escaped": (r'"key":1,"\u006bey":2', "key"), "escaped first": (r'"k\u0065y":1,"key":2', "key"), "both escaped": (r'"\u006bey":1,"k\u0065y":2', "key"),
    "upper and lower hex": (r'"\u00e9":1,"\u00E9":2', "\u00e9"), "escaped slash": (r'"a\/b":1,"a/b":2', "a/b"), "pair and character": (r'"\ud83d\ude00":1,"😀":2', "😀"),
    "of a header": ('"type":"indicator"', "type"), "id again": (f'"id":"indicator--{uuid.uuid4()}"', "id"), "empty key": ('"":1,"":2', ""),
    "after many": (",".join(f'"k{n}":1' for n in range(200)) + ',"k7":2', "k7"), "three": ('"key":1,"key":2,"key":3', "key"),
}


@pytest.mark.parametrize("inner, key", DUPLICATES.values(), ids=DUPLICATES)
def test_duplicate_keys_are_400_and_named(wire_hub, inner, key):
    object_id, text = body(inner)
    message = assert_error(wire_hub.ask("POST", PATH, body=text.encode()), 400)
    assert f"`{key}`" in message["title"] + message.get("description", ""), message
    assert not wire_hub.holds(object_id)


@pytest.mark.parametrize("text", ['{"objects":[],"objects":[%s]}', r'{"objects":[%s],"\u006fbjects":[]}', '{"more":true,"objects":[%s],"more":false}'])
def test_duplicate_keys_of_the_envelope_are_400(wire_hub, text):
    found = indicator()
    assert_error(wire_hub.ask("POST", PATH, body=(text % json.dumps(found)).encode()), 400)
    assert not wire_hub.holds(found["id"])


def test_keys_that_only_look_alike_are_two(wire_hub):
    object_id, text = body('"x_k":{"k":1,"K":2,"\u00e9":3,"e\u0301":4}')
    assert wire_hub.ask("POST", PATH, body=text.encode()).json["success_count"] == 1


@pytest.mark.parametrize("levels", [62, 1_000, 100_000])
@pytest.mark.parametrize("unit", ["[]", '{"a":}'], ids=["lists", "objects"])
def test_deep_nesting_is_400(wire_hub, levels, unit):
    opening, closing = (("[", "]") if unit == "[]" else ('{"a":', "}"))
    object_id, text = body('"x":' + opening * levels + "1" + closing * levels)
    assert_error(wire_hub.ask("POST", PATH, body=text.encode()), 400)
    assert not wire_hub.holds(object_id)


def test_nesting_up_to_the_limit_is_taken(wire_hub):
    object_id, text = body('"x_deep":' + "[" * 61 + "1" + "]" * 61)
    status = wire_hub.ask("POST", PATH, body=text.encode())
    assert status.status == 202, status


def test_unclosed_nesting_without_end_is_400(wire_hub):
    for text in (b"[" * 1_000_000, b'{"a":' * 200_000, b'{"objects":' + b"[" * 500_000):
        assert_error(wire_hub.ask("POST", PATH, body=text), 400)


NUMBERS = ["1" + "0" * 400, "1e400", "-1e400", "1.5e309"]
STRINGS = [r'"a\u0000b"', r'"\u0000"', r'["x", {"y": "\u0000"}]']


@pytest.mark.parametrize("value", NUMBERS + STRINGS)
def test_values_that_cannot_be_kept_fail_alone(wire_hub, value):
    bad_id, text = body('"x_n":' + value)
    good = indicator()
    whole = text[:-2] + "," + json.dumps(good) + "]}"
    status = wire_hub.ask("POST", PATH, body=whole.encode()).json
    assert (status["total_count"], status["success_count"], status["failure_count"]) == (2, 1, 1)
    failure = status["failures"][0]
    assert failure["id"] == bad_id and len(failure["message"]) > 10
    assert wire_hub.holds(good["id"]) and not wire_hub.holds(bad_id)


def test_nul_in_a_key_fails_alone(wire_hub):
    bad_id, text = body(r'"x_\u0000":1')
    status = wire_hub.ask("POST", PATH, body=text.encode()).json
    assert [failure["id"] for failure in status["failures"]] == [bad_id]
    assert not wire_hub.holds(bad_id)


KEPT = [
    "9007199254740992", "-9007199254740992", "9223372036854775808", "123456789012345678901234567890",
    "9007199254740991", "-9007199254740991", "0.1", "1e5", "1E+5", "1.0", "-0", "-0.0", "1e-400", "0.30000000000000004", "1.7976931348623157e308",
    r'"\u0001\u001f"', r'"\u202e\u200b\ufeff"', '"\u202eexe.fdp\u200b"', '"\u2028\u2029"', r'"\uFFFF\ufdd0"', '"e\u0301"', '"\u00e9"', r'"\/"', r'"\ud83d\ude00"',
    '"😀"', r'"\u0041"', '"\x7f\x80"', '"<script>alert(1)</script>"', r'"\\"', '""', '{"n":null}', '{"__proto__":{"admin":true},"constructor":{"prototype":1}}',
    '{"b":1,"a":2}', '"\ue000"', '"\U0010ffff"',
]


@pytest.mark.parametrize("value", KEPT)
def test_odd_values_are_kept_byte_for_byte(wire_hub, value):
    object_id, text = body('"x_v":' + value)
    response = wire_hub.ask("POST", PATH, body=text.encode())
    assert response.status == 202 and response.json["success_count"] == 1, response
    back = wire_hub.ask("GET", PATH + object_id + "/").body
    assert f'"x_v":{value}'.encode() in back, back


def test_proto_keys_are_data(wire_hub):
    object_id, text = body('"__proto__":{"x":1},"toString":2,"$where":"3","$ref":"4"')
    status = wire_hub.ask("POST", PATH, body=text.encode()).json
    if status["success_count"]:
        assert b'"__proto__":{"x":1}' in wire_hub.ask("GET", PATH + object_id + "/").body.replace(b" ", b"")
    else:
        assert status["failures"][0]["id"] == object_id


SHAPES = ["[]", "[1]", "null", "true", "1", '"x"', "{}", '{"objects":null}', '{"objects":{}}', '{"objects":"x"}', '{"objects":[]}', '{"objects":[1]}',
          '{"objects":[null]}', '{"objects":[[]]}', '{"objects":["x"]}', '{"Objects":[{}]}', '{"object":[{}]}', '{"type":"bundle","id":"x"}', '{"more":false}']


@pytest.mark.parametrize("text", SHAPES)
def test_what_is_no_envelope_is_422(wire_hub, text):
    message = assert_error(wire_hub.ask("POST", PATH, body=text.encode()), 422)
    assert "objects" in message["title"] + message.get("description", "")


def test_one_member_that_is_no_object_refuses_all(wire_hub):
    found = indicator()
    assert_error(wire_hub.ask("POST", PATH, body=json.dumps({"objects": [found, 7]}).encode()), 422)
    assert not wire_hub.holds(found["id"])


def test_too_many_objects_are_422(wire_hub):
    found = indicator()
    text = '{"objects":[' + json.dumps(found) + ",{}" * 10_000 + "]}"
    assert "10000" in json.dumps(assert_error(wire_hub.ask("POST", PATH, body=text.encode()), 422))
    assert not wire_hub.holds(found["id"])


def test_a_bundle_is_taken_as_an_envelope(wire_hub):
    found = indicator()
    bundle = {"type": "bundle", "id": f"bundle--{uuid.uuid4()}", "objects": [found]}
    for media in ("application/taxii+json;version=2.1", "application/stix+json;version=2.1"):
        assert wire_hub.ask("POST", PATH, headers={"Content-Type": media}, body=bundle).json["success_count"] == 1
    assert wire_hub.holds(found["id"])


def test_unknown_members_of_the_envelope_are_ignored(wire_hub):
    found = indicator()
    envelope = {"more": True, "next": "x", "date_added": "1999-01-01T00:00:00Z", "owner": "cert-b", "collection": AMBER, "x": {}, "objects": [found]}
    assert wire_hub.ask("POST", PATH, body=envelope).json["success_count"] == 1
    back = wire_hub.ask("GET", f"/exchange/collections/{SHARED}/manifest/?match[id]={found['id']}")
    record = back.json["objects"][0]
    assert not record["date_added"].startswith("1999") and "next" not in back.json and "more" not in back.json
    assert wire_hub.ask("DELETE", PATH + found["id"] + "/", "b").status == 403
    assert not wire_hub.holds(found["id"], collection=AMBER)


@pytest.mark.parametrize("inner", ['"x":' + "[" + "1," * 10_000 + "1]", ",".join(f'"x{n}":1' for n in range(1_001)), '"x":"' + "a" * (2 * 1024 * 1024) + '"'],
                         ids=["list items", "properties", "bytes"])
def test_objects_over_a_limit_fail_alone(wire_hub, inner):
    bad_id, text = body(inner)
    good = indicator()
    status = wire_hub.ask("POST", PATH, body=(text[:-2] + "," + json.dumps(good) + "]}").encode()).json
    assert [failure["id"] for failure in status["failures"]] == [bad_id] and status["failures"][0]["message"]
    assert wire_hub.holds(good["id"]) and not wire_hub.holds(bad_id)
