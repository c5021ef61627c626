//! Buffers that contents are looked for in.

/// A sticky buffer.
#[derive(Clone, Copy)]
pub(super) struct Buffer {
    /// The protocol that it is of.
    pub(super) application: &'static str,
    /// Whose side it is on, if only one has it.
    pub(super) is_to_server: Option<bool>,
    /// Is it in lower case, so that nothing else can be looked for?
    pub(super) is_lower: bool,
    is_body: bool,
}

/// The buffer of a name.
pub(super) fn named(name: &str) -> Option<Buffer> {
    let (application, is_to_server) = match name {
        "http.uri" | "http.uri.raw" | "http.method" | "http.user_agent" | "http.host" | "http.host.raw"
        | "http.request_body" | "http.referer" | "http.accept" => ("http", Some(true)),
        "http.stat_code" | "http.stat_msg" | "http.response_body" | "http.server" => ("http", Some(false)),
        "http.header" | "http.cookie" | "http.content_type" => ("http", None),
        "dns.query" => ("dns", Some(true)),
        "tls.sni" => ("tls", Some(true)),
        "tls.cert_subject" | "tls.cert_issuer" => ("tls", Some(false)),
        _ => return None,
    };
    let is_body = name.ends_with("_body");
    Some(Buffer { application, is_to_server, is_lower: name == "http.host", is_body })
}

impl Buffer {
    /// Can it hold such bytes? White space at the ends and control characters are in bodies only.
    pub(super) fn holds(self, bytes: &[u8]) -> bool {
        let is_print = bytes.iter().all(|b| (0x20..0x7f).contains(b));
        let is_lower = !bytes.iter().any(u8::is_ascii_uppercase);
        let is_bare = bytes.first() != Some(&b' ') && bytes.last() != Some(&b' ');
        self.is_body || is_print && is_bare && (is_lower || !self.is_lower)
    }

    /// Can a rule for a protocol have it?
    pub(super) fn fits(self, protocol: &str) -> Option<()> {
        (protocol == self.application).then_some(())
    }
}
