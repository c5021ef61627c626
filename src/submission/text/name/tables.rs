//! Words that tell names of hosts from what looks like them.

mod code;
mod file;
mod host;
mod member;

pub(super) use code::{ABBREVIATED, CODE_ROOTS, MALWARE, PACKAGE_ROOTS, PRODUCTS};
pub(super) use file::{FILE_ENDS, FILE_LIKE, FILE_WORDS, HOSTS_LIKE_FILES, LURES, SCRIPTS};
pub(super) use host::{COMMON, SHORT_HOSTS, WORDED};
pub(super) use member::{CODE_ENDS, CODE_STEMS};
