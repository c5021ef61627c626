//! Random patterns of several observations against an evaluator that tries everything.

use super::{at, parse};
use crate::stix::pattern::MatchError;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// An observation: first second, length, number, and the letters it holds.
#[derive(Debug, Clone)]
struct Seen {
    first: u32,
    last: u32,
    count: u32,
    letters: BTreeSet<char>,
}

#[derive(Debug, Clone)]
enum Node {
    Letter(char),
    And(Box<Node>, Box<Node>),
    Or(Box<Node>, Box<Node>),
    Then(Box<Node>, Box<Node>),
    Within(Box<Node>, u32),
    Repeats(Box<Node>, usize),
    During(Box<Node>, u32, u32),
}

/// A binding: the instances used, as (observation, number) in order.
type Binding = BTreeSet<(usize, u32)>;

fn bindings(node: &Node, seen: &[Seen]) -> BTreeSet<Binding> {
    let joined = |a: &Node, b: &Node, fits: &dyn Fn(&Binding, &Binding) -> bool| {
        let (left, right) = (bindings(a, seen), bindings(b, seen));
        let pairs = left.iter().flat_map(|l| right.iter().map(move |r| (l, r)));
        pairs.filter(|(l, r)| l.is_disjoint(r) && fits(l, r)).map(|(l, r)| l | r).collect()
    };
    let latest_first = |binding: &Binding| binding.iter().map(|(o, _)| seen[*o].first).max().unwrap();
    let earliest_last = |binding: &Binding| binding.iter().map(|(o, _)| seen[*o].last).min().unwrap();
    match node {
        Node::Letter(letter) => (0..seen.len())
            .filter(|o| seen[*o].letters.contains(letter))
            .flat_map(|o| (0..seen[o].count).map(move |number| Binding::from([(o, number)])))
            .collect(),
        Node::And(a, b) => joined(a, b, &|_, _| true),
        Node::Or(a, b) => &bindings(a, seen) | &bindings(b, seen),
        Node::Then(a, b) => joined(a, b, &|l, r| latest_first(l) <= earliest_last(r)),
        Node::Within(inner, seconds) => {
            let fits = |binding: &Binding| latest_first(binding) <= earliest_last(binding) + seconds;
            bindings(inner, seen).into_iter().filter(fits).collect()
        }
        Node::During(inner, from, to) => {
            let meets = |o: usize| from < to && seen[o].first < *to && seen[o].last >= *from;
            bindings(inner, seen).into_iter().filter(|b| b.iter().all(|(o, _)| meets(*o))).collect()
        }
        Node::Repeats(inner, count) => {
            let once = bindings(inner, seen);
            let mut found = once.clone();
            for _ in 1..*count {
                let pairs = found.iter().flat_map(|l| once.iter().map(move |r| (l, r)));
                found = pairs.filter(|(l, r)| l.is_disjoint(r)).map(|(l, r)| l | r).collect();
            }
            found
        }
    }
}

fn text(node: &Node) -> String {
    match node {
        Node::Letter(letter) => format!("[x-{letter}:p = 1]"),
        Node::And(a, b) => format!("({} AND {})", text(a), text(b)),
        Node::Or(a, b) => format!("({} OR {})", text(a), text(b)),
        Node::Then(a, b) => format!("({} FOLLOWEDBY {})", text(a), text(b)),
        Node::Within(inner, seconds) => format!("({}) WITHIN {seconds} SECONDS", text(inner)),
        Node::Repeats(inner, count) => format!("({}) REPEATS {count} TIMES", text(inner)),
        Node::During(inner, from, to) => {
            let time = |second| format!("t'2020-01-01T00:00:{second:02}Z'");
            format!("({}) START {} STOP {}", text(inner), time(from), time(to))
        }
    }
}

fn nodes() -> impl Strategy<Value = Node> {
    let letter = prop::sample::select(vec!['a', 'b', 'c']).prop_map(Node::Letter);
    letter.prop_recursive(3, 8, 2, |inner| {
        let two = (inner.clone(), inner.clone()).prop_map(|(a, b)| (Box::new(a), Box::new(b)));
        prop_oneof![
            two.clone().prop_map(|(a, b)| Node::And(a, b)),
            two.clone().prop_map(|(a, b)| Node::Or(a, b)),
            two.prop_map(|(a, b)| Node::Then(a, b)),
            (inner.clone(), 1_u32..6).prop_map(|(a, n)| Node::Within(Box::new(a), n)),
            (inner.clone(), 1_usize..4).prop_map(|(a, n)| Node::Repeats(Box::new(a), n)),
            (inner, 0_u32..8, 1_u32..10).prop_map(|(a, from, to)| Node::During(Box::new(a), from, to)),
        ]
    })
}

fn observations() -> impl Strategy<Value = Vec<Seen>> {
    let letters = prop::collection::btree_set(prop::sample::select(vec!['a', 'b', 'c']), 1..3);
    let one = (0_u32..7, prop_oneof![3 => Just(0_u32), 1 => 1_u32..5], 1_u32..3, letters);
    let seen =
        one.prop_map(|(first, length, count, letters)| Seen { first, last: first + length, count, letters });
    prop::collection::vec(seen, 0..8)
}

fn given(seen: &[Seen]) -> Vec<Value> {
    let object = |letter: &char| json!({"type": format!("x-{letter}"), "p": 1});
    let observed =
        |one: &Seen| at(one.first, one.last, one.count, &one.letters.iter().map(object).collect::<Vec<_>>());
    seen.iter().map(observed).collect()
}

/// Too many bindings to list.
fn is_large(node: &Node) -> bool {
    fn leaves(node: &Node) -> usize {
        match node {
            Node::Letter(_) => 1,
            Node::And(a, b) | Node::Or(a, b) | Node::Then(a, b) => leaves(a) + leaves(b),
            Node::Within(inner, _) | Node::During(inner, ..) => leaves(inner),
            Node::Repeats(inner, count) => leaves(inner) * count,
        }
    }
    leaves(node) > 6
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]
    #[test]
    fn search_and_exhaustive_evaluation_agree(node in nodes(), seen in observations()) {
        if is_large(&node) {
            return Ok(());
        }
        let expected = !bindings(&node, &seen).is_empty();
        let pattern = parse(&text(&node));
        prop_assert_eq!(pattern.matches(&given(&seen)), Ok::<bool, MatchError>(expected));
        let canonical = pattern.to_string();
        let again = parse(&canonical);
        prop_assert_eq!(again.to_string(), canonical);
        prop_assert_eq!(again.matches(&given(&seen)), Ok::<bool, MatchError>(expected));
    }
}

/// What stands in one pair of brackets: tests whether a property is 1.
#[derive(Debug, Clone)]
enum Tests {
    Is(char, bool),
    And(Box<Tests>, Box<Tests>),
    Or(Box<Tests>, Box<Tests>),
}

fn tests() -> impl Strategy<Value = Tests> {
    let one = (prop::sample::select(vec!['a', 'b', 'c', 'd']), any::<bool>())
        .prop_map(|(name, not)| Tests::Is(name, not));
    one.prop_recursive(5, 12, 2, |inner| {
        let two = (inner.clone(), inner).prop_map(|(a, b)| (Box::new(a), Box::new(b)));
        prop_oneof![two.clone().prop_map(|(a, b)| Tests::And(a, b)), two.prop_map(|(a, b)| Tests::Or(a, b))]
    })
}

fn written(node: &Tests) -> String {
    match node {
        Tests::Is(name, not) => format!("x-a:{name} {}= 1", if *not { "NOT " } else { "" }),
        Tests::And(a, b) => format!("({} AND {})", written(a), written(b)),
        Tests::Or(a, b) => format!("({} OR {})", written(a), written(b)),
    }
}

/// Absent properties fail every test, the negated ones too.
fn fulfilled(node: &Tests, properties: &[Option<u8>; 4]) -> bool {
    match node {
        Tests::Is(name, not) => {
            let place = (*name as u8 - b'a') as usize;
            properties[place].is_some_and(|value| (value == 1) != *not)
        }
        Tests::And(a, b) => fulfilled(a, properties) && fulfilled(b, properties),
        Tests::Or(a, b) => fulfilled(a, properties) || fulfilled(b, properties),
    }
}

proptest! {
    #[test]
    fn brackets_and_their_canonical_form_mean_what_is_written(
        node in tests(), objects in prop::collection::vec(prop::array::uniform4(prop::option::of(0_u8..2)), 1..4)
    ) {
        let given: Vec<Value> = objects
            .iter()
            .map(|properties| {
                let mut object = json!({"type": "x-a"});
                for (name, value) in ["a", "b", "c", "d"].iter().zip(properties) {
                    value.map(|value| object[*name] = json!(value));
                }
                object
            })
            .collect();
        let expected = objects.iter().any(|properties| fulfilled(&node, properties));
        let pattern = parse(&format!("[{}]", written(&node)));
        let canonical = pattern.to_string();
        let again = parse(&canonical);
        prop_assert_eq!(again.to_string(), canonical);
        prop_assert_eq!(pattern.matches(&[at(0, 0, 1, &given)]), Ok::<bool, MatchError>(expected));
        prop_assert_eq!(again.matches(&[at(0, 0, 1, &given)]), Ok::<bool, MatchError>(expected));
    }
}
