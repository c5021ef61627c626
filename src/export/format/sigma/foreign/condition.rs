//! Conditions of Sigma: parts of a detection, joined.

/// Is it a condition over parts of these names?
pub(super) fn read(text: &str, names: &[&str]) -> Option<()> {
    let spaced = text.replace('(', " ( ").replace(')', " ) ");
    let mut words: Vec<&str> = spaced.split_ascii_whitespace().rev().collect();
    either(&mut words, names, 0)?;
    words.is_empty().then_some(())
}

/// The words are in reverse: the next is the last.
fn either(words: &mut Vec<&str>, names: &[&str], depth: usize) -> Option<()> {
    one(words, names, depth)?;
    while words.pop_if(|word| matches!(*word, "and" | "or")).is_some() {
        one(words, names, depth)?;
    }
    Some(())
}

fn one(words: &mut Vec<&str>, names: &[&str], depth: usize) -> Option<()> {
    (depth < 20).then_some(())?;
    match words.pop()? {
        "not" => one(words, names, depth + 1),
        "(" => {
            either(words, names, depth + 1)?;
            words.pop().filter(|word| *word == ")").map(|_| ())
        }
        "1" | "all" => {
            words.pop().filter(|word| *word == "of")?;
            let pattern = words.pop()?;
            let is_meant = match pattern.strip_suffix('*') {
                Some(start) => names.iter().any(|name| !start.is_empty() && name.starts_with(start)),
                None => pattern == "them" && !names.is_empty(),
            };
            is_meant.then_some(())
        }
        "and" | "or" | "of" | "them" => None,
        name => names.contains(&name).then_some(()),
    }
}
