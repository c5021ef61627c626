//! What goes wrong with a request, and the only mapping of it to HTTP (TAXII 2.1 §3.6).

use crate::feed::FeedError;
use crate::ingest::Unjudged;
use crate::policy::Denied;
use crate::store::{Error as StoreError, NoProof};
use crate::taxii::resource::ErrorMessage;
use crate::taxii::{CursorError, EnvelopeError, FilterError, media};
use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, ResponseError};

/// A request that is not answered with what it asked for.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// No such thing, or none for this client: nobody is told which.
    #[error("not found")]
    NotFound,
    /// The certificate is nobody's.
    #[error("this certificate is not known here")]
    UnknownClient,
    /// The certificate was revoked while its connection was open.
    #[error("this certificate is not accepted any more")]
    RevokedClient,
    /// No token, or not that of this export; or there is no such export.
    #[error("this takes the export's token")]
    WrongToken,
    /// The collection is known to the client, the deed not allowed.
    #[error("{0}")]
    Denied(#[from] Denied),
    /// The object belongs to another organisation.
    #[error("the object belongs to another organisation")]
    NotOwner,
    /// The audit log is not for this client.
    #[error("the audit log is for auditors")]
    NotAuditor,
    /// A proof that cannot be made.
    #[error("{0}")]
    Proof(#[from] NoProof),
    /// It is the client's own, but must be kept.
    #[error("the object is under a legal hold")]
    Held,
    /// The path exists; it takes these methods.
    #[error("method not allowed")]
    Method(&'static str),
    /// Nothing in `Accept` that we write.
    #[error("not acceptable")]
    NotAcceptable,
    /// A `Content-Type` that is no envelope.
    #[error("unsupported media type")]
    MediaType,
    /// A compressed body.
    #[error("unsupported content encoding")]
    ContentEncoding,
    /// A query parameter that is malformed.
    #[error("{0}")]
    Filter(#[from] FilterError),
    /// A `next` of no use.
    #[error("{0}")]
    Cursor(CursorError),
    /// A body over the limit, in bytes.
    #[error("the body is larger than {0} bytes")]
    TooLarge(u64),
    /// A body that came too slowly.
    #[error("the body did not arrive in time")]
    TooSlow,
    /// A body that broke off or is framed wrongly.
    #[error("the body could not be read")]
    Broken,
    /// A body that is no envelope.
    #[error("{0}")]
    Envelope(#[from] EnvelopeError),
    /// A request line over 8 KiB.
    #[error("the request target is too long")]
    TargetTooLong,
    /// Header fields over 32 KiB or more than 64.
    #[error("the header fields are too large")]
    HeaderTooLarge,
    /// A malformed head.
    #[error("{0}")]
    BadRequest(&'static str),
    /// A body of ours that is not what it should be.
    #[error("{0}")]
    Malformed(String),
    /// Something speaks against it by now.
    #[error("it waits on: {0}")]
    Objection(String),
    /// A `Host` that is not ours.
    #[error("this server does not answer for that host")]
    Misdirected,
    /// An `Expect` other than 100-continue.
    #[error("expectation failed")]
    Expectation,
    /// More than the client's share of requests.
    #[error("too many requests")]
    TooMany,
    /// More bodies at once than memory is set aside for.
    #[error("too many bodies at once")]
    Overloaded,
    /// The store.
    #[error("{0}")]
    Store(#[from] StoreError),
}

impl From<Unjudged> for Failure {
    fn from(error: Unjudged) -> Self {
        match error {
            Unjudged::Envelope(error) => error.into(),
            Unjudged::Store(error) => error.into(),
        }
    }
}

impl From<FeedError> for Failure {
    fn from(error: FeedError) -> Self {
        match error {
            FeedError::Cursor(error) => Self::Cursor(error),
            FeedError::Store(error) => Self::Store(error),
            FeedError::Journal(error) => Self::Store(StoreError::Busy(error.to_string())),
        }
    }
}

impl Failure {
    fn code(&self) -> u16 {
        match self {
            Self::Filter(_) | Self::Cursor(_) | Self::Broken | Self::BadRequest(_) => 400,
            Self::Malformed(_) | Self::Proof(_) => 400,
            Self::Envelope(EnvelopeError::Json(_)) => 400,
            Self::UnknownClient | Self::RevokedClient | Self::WrongToken => 401,
            Self::Denied(_) | Self::NotOwner | Self::NotAuditor | Self::Held => 403,
            Self::NotFound => 404,
            Self::Method(_) => 405,
            Self::NotAcceptable => 406,
            Self::TooSlow => 408,
            Self::Objection(_) => 409,
            Self::TooLarge(_) => 413,
            Self::TargetTooLong => 414,
            Self::MediaType | Self::ContentEncoding => 415,
            Self::Expectation => 417,
            Self::Misdirected => 421,
            Self::Envelope(EnvelopeError::Shape(_)) => 422,
            Self::TooMany => 429,
            Self::HeaderTooLarge => 431,
            Self::Store(StoreError::Damaged(_) | StoreError::Backend(_)) => 500,
            Self::Overloaded | Self::Store(StoreError::Busy(_) | StoreError::Unknown(_)) => 503,
            Self::Store(StoreError::Full(_)) => 507,
        }
    }

    /// What the sender should change; nothing about the server's inside.
    fn description(&self) -> Option<String> {
        let text = match self {
            Self::NotFound => "Check the path, the id, and with the operator what your organisation may see.",
            Self::UnknownClient => {
                "The certificate is valid, but the registry names no client for it. Ask the operator to register it: `liaison registry apply`."
            }
            Self::RevokedClient => {
                "The certificate was revoked, or its client removed. Ask the operator for a new one."
            }
            Self::WrongToken => {
                "Send Authorization: Bearer TOKEN, or Basic with the token as password. `liaison export token` makes one; the registry has its hash."
            }
            Self::NotOwner => "Only the organisation that published an object may delete it.",
            Self::NotAuditor => {
                "Ask for what concerns your organisation's own objects, or have the operator give you the role of auditor."
            }
            Self::Held => {
                "It must be kept for now, and nothing was deleted. Ask the operator, who knows why and can lift the hold."
            }
            Self::Method(_) => "The Allow header lists what this path takes.",
            Self::NotAcceptable => "Send Accept: application/taxii+json;version=2.1",
            Self::MediaType => {
                "Send Content-Type: application/taxii+json;version=2.1 (a bundle as application/stix+json is taken too)."
            }
            Self::ContentEncoding => "Send the body without Content-Encoding; nothing is unpacked here.",
            Self::TooLarge(_) => "Split the envelope; max_content_length of the API root tells the limit.",
            Self::TooSlow => {
                "Send the body without pauses over 10 seconds, at 4 KiB/s or more, within 120 seconds."
            }
            Self::Broken => "The body ended early or its framing is wrong; send it again.",
            Self::TargetTooLong => "The request target may have 8192 bytes; ask for fewer values at once.",
            Self::HeaderTooLarge => "Header fields may be 64 with 32768 bytes together.",
            Self::Misdirected => "Use a host name that the server's certificate names.",
            Self::Expectation => "Leave out Expect, or send 100-continue.",
            Self::TooMany => "Wait as Retry-After says; poll less often or with a larger limit.",
            Self::Overloaded => "Wait as Retry-After says and send again.",
            Self::Store(StoreError::Full(_)) => {
                "The server has no space left and takes nothing at present; reading goes on. Send again later."
            }
            Self::Store(StoreError::Unknown(_)) => {
                "It is not certain whether the objects were stored. Send again: what is there already is not stored twice."
            }
            Self::Store(_) => {
                "The fault is on the server's side. Tell the operator the error_id if it stays."
            }
            Self::Denied(Denied::NotInForce(_)) => {
                "Nothing was deleted. The operator sets the agreement's dates in the registry."
            }
            Self::Denied(Denied::Submissions | Denied::Review | Denied::OwnSubmission) => {
                "Roles are set in the registry: `publisher`, `analyst` and `liaison` submit, `liaison` decides on what others of its organisation submit."
            }
            Self::Objection(_) => "Nothing was changed. Release it when that is settled, or decline it.",
            Self::Denied(_) => {
                "The collection's can_read and can_write tell your rights; the operator sets them in the registry."
            }
            Self::Filter(_)
            | Self::Cursor(_)
            | Self::Envelope(_)
            | Self::BadRequest(_)
            | Self::Proof(_)
            | Self::Malformed(_) => {
                return None;
            }
        };
        Some(text.to_owned())
    }

    fn title(&self) -> String {
        match self {
            Self::Store(StoreError::Full(_)) => "no space left".to_owned(),
            Self::Store(StoreError::Busy(_) | StoreError::Unknown(_)) => "temporarily unavailable".to_owned(),
            Self::Store(StoreError::Damaged(_) | StoreError::Backend(_)) => "internal error".to_owned(),
            other => other.to_string(),
        }
    }

    /// True where the rest of the request must not be read as another one, or the peer must go.
    pub(super) fn closes(&self) -> bool {
        !matches!(
            self,
            Self::NotFound
                | Self::Denied(_)
                | Self::Objection(_)
                | Self::NotOwner
                | Self::NotAuditor
                | Self::Proof(_)
                | Self::Held
                | Self::Filter(_)
                | Self::Cursor(_)
                | Self::Envelope(_)
                | Self::Store(_)
        )
    }
}

impl ResponseError for Failure {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.code()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        let error_id = uuid::Uuid::new_v4().to_string();
        let status = self.status_code();
        match self {
            Self::Store(error) => tracing::error!(%error_id, %error, "the store failed a request"),
            other => tracing::debug!(%error_id, status = status.as_u16(), error = %other, "request refused"),
        }
        let mut response = HttpResponse::build(status);
        response.content_type(media::TAXII).insert_header((header::CACHE_CONTROL, "no-store"));
        match self {
            // No registered scheme means a TLS client certificate: docs/divergences.md.
            Self::UnknownClient | Self::RevokedClient => {
                response.insert_header((header::WWW_AUTHENTICATE, "ClientCertificate realm=\"taxii\""));
            }
            Self::WrongToken => {
                response.append_header((header::WWW_AUTHENTICATE, "Bearer realm=\"export\""));
                response.append_header((header::WWW_AUTHENTICATE, "Basic realm=\"export\""));
            }
            Self::Method(allow) => {
                response.insert_header((header::ALLOW, *allow));
            }
            Self::ContentEncoding => {
                response.insert_header((header::ACCEPT_ENCODING, "identity"));
            }
            Self::TooMany | Self::Overloaded => {
                response.insert_header((header::RETRY_AFTER, "1"));
            }
            Self::Store(StoreError::Full(_) | StoreError::Busy(_) | StoreError::Unknown(_)) => {
                response.insert_header((header::RETRY_AFTER, "10"));
            }
            _ => {}
        }
        if self.closes() {
            response.force_close();
        }
        response.json(ErrorMessage {
            title: self.title(),
            description: self.description(),
            error_id: Some(error_id),
            http_status: Some(status.as_u16().to_string()),
        })
    }
}
