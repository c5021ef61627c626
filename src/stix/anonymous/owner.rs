//! What leads to the owner: ids, names and hosts.

use super::Disguise;
use crate::stix::json::Value;
use unicode_normalization::UnicodeNormalization;
use url::{Host, Url};

impl Disguise<'_> {
    pub(super) fn is_owner(&self, id: &str) -> bool {
        self.owner_identities.iter().any(|owner| owner.eq_ignore_ascii_case(id))
    }

    /// Does an external reference lead to the owner?
    pub(super) fn is_of_owner(&self, reference: Value) -> bool {
        let text = |name: &str| reference.member(name).and_then(|value| value.text());
        let is_signed = |name: &str| {
            let same = |owner: &&str| folded(owner) == folded(name);
            self.owner_names.iter().any(same) || self.is_owner(name.trim()) || self.is_host(name)
        };
        text("source_name").is_some_and(|name| is_signed(&name))
            || text("url").is_some_and(|url| self.is_url(&url))
    }

    fn is_url(&self, text: &str) -> bool {
        match Url::parse(text).ok().as_ref().and_then(Url::host_str) {
            Some(host) => self.is_host(host),
            // Such as `mailto:`, or what only looks like a URL: rather too much than too little.
            None => {
                let text = text.to_lowercase();
                self.owner_hosts.iter().filter_map(|host| plain_host(host)).any(|host| text.contains(&host))
            }
        }
    }

    fn is_host(&self, host: &str) -> bool {
        let Some(host) = plain_host(host) else { return false };
        self.owner_hosts.iter().filter_map(|owner| plain_host(owner)).any(|owner| {
            host.strip_suffix(&owner).is_some_and(|before| before.is_empty() || before.ends_with('.'))
        })
    }
}

fn folded(name: &str) -> String {
    name.trim().nfkc().collect::<String>().to_lowercase()
}

/// A host in the one form that URLs have it in; none if it can be none.
fn plain_host(text: &str) -> Option<String> {
    let host = Host::parse(text.trim().trim_end_matches('.')).ok()?;
    Some(host.to_string().to_ascii_lowercase())
}
