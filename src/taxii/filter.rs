//! Filters and paging in a request's query (TAXII 2.1 §3.4, §3.5).

use crate::stix::{StixTime, Timestamp};

/// What a client asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only objects added later than this.
    pub added_after: Option<Timestamp>,
    /// At most so many objects.
    pub limit: Option<u32>,
    /// Where to go on, as the server said.
    pub next: Option<String>,
    /// Which objects.
    pub matches: Match,
}

/// The `match[…]` fields; an empty list lets everything through.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Match {
    /// Exact object ids.
    pub ids: Vec<String>,
    /// Object types.
    pub types: Vec<String>,
    /// Which versions; none given means the last one.
    pub versions: Option<Versions>,
    /// Versions of the STIX specification.
    pub spec_versions: Vec<String>,
}

/// `match[version]` (TAXII 2.1 §3.4.1).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Versions {
    /// The earliest version of each object.
    pub first: bool,
    /// The latest version of each object.
    pub last: bool,
    /// Every version.
    pub all: bool,
    /// The versions of exactly these times.
    pub exact: Vec<StixTime>,
}

/// A parameter that is malformed: 400 (R105).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the query parameter `{parameter}` {problem}")]
pub struct FilterError {
    parameter: String,
    problem: String,
}

/// Parameters that one query may have.
pub const PARAMETERS_MAX: usize = 64;
/// Values that one match field may have.
pub const VALUES_MAX: usize = 100;

impl Filter {
    /// Reads a query string; parameters and match fields that TAXII does not know are ignored.
    pub fn parse(query: &str) -> Result<Self, FilterError> {
        let mut filter = Self::default();
        let mut seen: Vec<String> = Vec::new();
        for (count, (name, value)) in url::form_urlencoded::parse(query.as_bytes()).enumerate() {
            if count >= PARAMETERS_MAX {
                return bad(&name, format!("is one too many; send at most {PARAMETERS_MAX}"));
            }
            if !KNOWN.contains(&name.as_ref()) {
                continue;
            }
            if seen.iter().any(|other| *other == name) {
                return bad(&name, "occurs twice; send one, with values separated by commas".into());
            }
            filter.take(&name, &value)?;
            seen.push(name.into_owned());
        }
        Ok(filter)
    }

    fn take(&mut self, name: &str, value: &str) -> Result<(), FilterError> {
        match name {
            "added_after" => self.added_after = Some(parse_time(name, value)?),
            "limit" => self.limit = Some(parse_limit(name, value)?),
            // An empty `next` is what some clients send on their first request.
            "next" => self.next = Some(value.to_owned()).filter(|next| !next.is_empty()),
            "match[id]" => self.matches.ids = values(name, value)?,
            "match[type]" => self.matches.types = values(name, value)?,
            "match[version]" => self.matches.versions = Some(parse_versions(name, value)?),
            _ => self.matches.spec_versions = values(name, value)?,
        }
        Ok(())
    }
}

impl Match {
    /// One text for each meaning, to tell whether a cursor belongs to these filters.
    pub fn canonical(&self) -> String {
        let list = |values: &[String]| {
            let mut sorted: Vec<&str> = values.iter().map(String::as_str).collect();
            sorted.sort_unstable();
            sorted.dedup();
            // Quoted, so that no value can pass for a list or for another field.
            format!("{sorted:?}")
        };
        let versions = self.versions();
        let mut exact: Vec<_> = versions.exact.iter().map(|v| (v.micros(), v.rest())).collect();
        exact.sort_unstable();
        format!(
            "id={} type={} version={}{}{}{exact:?} spec={}",
            list(&self.ids),
            list(&self.types),
            u8::from(versions.first),
            u8::from(versions.last),
            u8::from(versions.all),
            list(&self.spec_versions)
        )
    }

    /// The versions wanted, with the default that TAXII 2.1 §3.4.1 gives.
    pub fn versions(&self) -> Versions {
        self.versions.clone().unwrap_or(Versions { last: true, ..Versions::default() })
    }
}

fn parse_time(name: &str, value: &str) -> Result<Timestamp, FilterError> {
    Timestamp::parse(value).ok_or_else(|| FilterError {
        parameter: name.to_owned(),
        problem: "must be a time in UTC such as 2026-02-09T08:00:00.000000Z, with 0 to 9 fraction digits"
            .to_owned(),
    })
}

fn parse_limit(name: &str, value: &str) -> Result<u32, FilterError> {
    if value.is_empty() || !value.bytes().all(|b| b.is_ascii_digit()) {
        return bad(name, "must be a whole number greater than 0".into());
    }
    // A limit past any page size means the largest page.
    match value.parse::<u32>().unwrap_or(u32::MAX) {
        0 => bad(name, "must be greater than 0".into()),
        limit => Ok(limit),
    }
}

fn parse_versions(name: &str, value: &str) -> Result<Versions, FilterError> {
    let mut versions = Versions::default();
    for word in values(name, value)? {
        let twice = match word.as_str() {
            "first" => std::mem::replace(&mut versions.first, true),
            "last" => std::mem::replace(&mut versions.last, true),
            "all" => std::mem::replace(&mut versions.all, true),
            _ => {
                let Some(time) = StixTime::parse(&word) else {
                    return bad(
                        name,
                        "must hold `first`, `last`, `all`, or times such as 2026-02-09T08:00:00.000Z".into(),
                    );
                };
                let twice = versions.exact.contains(&time);
                versions.exact.push(time);
                twice
            }
        };
        if twice {
            return bad(name, "names one version twice".into());
        }
    }
    let others = versions.first || versions.last || !versions.exact.is_empty();
    if versions.all && others {
        return bad(name, "has `all` beside other values; `all` stands alone".into());
    }
    Ok(versions)
}

fn values(name: &str, value: &str) -> Result<Vec<String>, FilterError> {
    let values: Vec<String> = value.split(',').map(str::to_owned).collect();
    if values.iter().any(String::is_empty) {
        return bad(name, "has an empty value".into());
    }
    if values.len() > VALUES_MAX {
        return bad(name, format!("has more than {VALUES_MAX} values"));
    }
    Ok(values)
}

fn bad<T>(parameter: &str, problem: String) -> Result<T, FilterError> {
    Err(FilterError { parameter: parameter.chars().take(40).collect(), problem })
}

const KNOWN: [&str; 7] =
    ["added_after", "limit", "next", "match[id]", "match[type]", "match[version]", "match[spec_version]"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_read_in_any_encoding() {
        let one =
            Filter::parse("match[type]=indicator,malware&limit=7&added_after=2026-02-09T08:00:00Z").unwrap();
        let other = Filter::parse(
            "added_after=2026-02-09T08%3A00%3A00.000Z&match%5Btype%5D=indicator%2Cmalware&limit=7&next=",
        )
        .unwrap();
        assert_eq!(one, other);
        assert_eq!(one.matches.types, ["indicator", "malware"]);
        assert_eq!(Filter::parse("x=1&match[colour]=red&x=2").unwrap(), Filter::default());
        assert_eq!(Filter::parse("limit=99999999999999999999").unwrap().limit, Some(u32::MAX));
    }

    #[test]
    fn malformed_parameters_are_refused() {
        let values = format!("match[id]={}x", "x,".repeat(VALUES_MAX));
        let many = "a=1&".repeat(PARAMETERS_MAX + 1);
        for bad in [
            "limit=0",
            "limit=-1",
            "limit=+1",
            "limit=%2B1",
            "limit=",
            "limit=x",
            "limit=1&limit=1",
            "limit=1.5",
            "added_after=yesterday",
            "added_after=",
            "added_after=2026-02-09T08:00:00Z&added_after=2026-02-09T08:00:00Z",
            "added_after=2026-02-09T08:00:00.1234567890Z",
            "match[version]=newest",
            "match[version]=all,last",
            "match[version]=last,last",
            "match[version]=2020-01-01T00:00:00Z,2020-01-01T00:00:00.0Z",
            "match[version]=",
            "match[type]=a&match%5Btype%5D=b",
            "match[type]=a,,b",
            &values,
            &many,
        ] {
            assert!(Filter::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_canonical_form_ignores_order_and_spelling() {
        let canonical = |query| Filter::parse(query).unwrap().matches.canonical();
        assert_eq!(canonical("match[type]=b,a"), canonical("match[type]=a,b"));
        assert_eq!(canonical(""), canonical("match[version]=last"));
        assert_ne!(canonical("match[type]=a"), canonical("match[id]=a"));
        assert_ne!(canonical(""), canonical("match[version]=all"));
        let forged = "match[id]=a type= version=010[] spec=2.1,x";
        let spoken = "match[id]=a&match[spec_version]=2.1,x type= version=010[] spec=";
        assert_ne!(canonical(forged), canonical(spoken));
    }
}
