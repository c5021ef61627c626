//! Who works at this machine: the account of the operating system, for the audit log.

use std::os::unix::fs::MetadataExt;

/// Name of the account that runs this process; its number if it has no name.
pub(super) fn account() -> String {
    // The owner of the process's own entry; elsewhere than on Linux that of the working directory.
    let owner = ["/proc/self", "."].iter().find_map(|path| std::fs::metadata(path).ok());
    let Some(uid) = owner.map(|found| found.uid()) else { return "unknown".to_owned() };
    let accounts = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    name(&accounts, uid).unwrap_or_else(|| format!("uid {uid}"))
}

/// The name of an account in the text of `/etc/passwd`.
fn name(accounts: &str, uid: u32) -> Option<String> {
    let uid = uid.to_string();
    accounts.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == uid).then(|| name.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_found_by_number() {
        let accounts = "root:x:0:0:root:/root:/bin/sh\n\nbroken\nhub:x:100:101::/srv/hub:/bin/false\n";
        assert_eq!(name(accounts, 0).as_deref(), Some("root"));
        assert_eq!(name(accounts, 100).as_deref(), Some("hub"));
        assert_eq!(name(accounts, 101), None);
        assert!(!account().is_empty());
    }
}
