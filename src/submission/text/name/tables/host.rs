//! Ends of names of hosts, and short ones.

/// Ends that are plain enough to overrule most doubts.
pub(in crate::submission::text) const COMMON: &[&str] =
    &["com", "net", "org", "info", "biz", "example", "onion"];

/// Ends that may follow the word `dot` between blanks: others are words of sentences.
pub(in crate::submission::text) const WORDED: &[&str] = &[
    "com", "net", "org", "info", "biz", "top", "xyz", "online", "site", "club", "shop", "icu", "onion",
    "example", "test", "invalid", "ru", "cn", "de", "uk", "fr", "nl", "eu", "pl", "cz", "sk", "hu", "ro",
    "bg", "ua", "by", "kz", "tr", "gr", "pt", "es", "ch", "li", "lt", "lv", "ee", "fi", "se", "dk", "nu",
    "lu", "ie", "ca", "au", "nz", "jp", "kr", "tw", "hk", "sg", "br", "ar", "mx", "cl", "pe", "za", "ng",
    "ke", "ir", "il", "ae", "sa", "pk", "bd", "lk", "vn", "th", "ph", "cc", "tk", "ml", "ga", "cf", "gq",
    "pw", "su", "ws", "tv", "io", "co", "ly", "gl", "app", "dev", "cloud", "tech", "space", "website", "pro",
    "live", "life", "world", "fun", "buzz", "monster", "rest", "cyou", "sbs", "cfd", "lol", "vip", "win",
    "bid", "loan", "work", "click", "link", "download", "stream", "gov", "edu", "mil", "int", "mobi", "name",
    "asia", "bank", "store", "rocks", "ninja", "support",
];

/// Hosts of one letter.
pub(in crate::submission::text) const SHORT_HOSTS: &[&str] = &[
    "t.me",
    "t.co",
    "t.ly",
    "g.co",
    "v.gd",
    "a.co",
    "x.co",
    "u.to",
    "j.mp",
    "s.id",
    "y.at",
    "d.pr",
    "w.wiki",
    "q.gs",
    "n.pr",
    "z.cn",
    "m.me",
    "i.gy",
    "p.ly",
    "c.im",
    "s.ee",
    "r.mtdv.me",
    "v.ht",
    "o.ly",
    "e.vg",
];
