//! What may go on to another server: the same lines as for a client here, and those for objects of others,
//! which nobody may pass on against their originator's will (governance §4.3, §3, §1.6).

use super::reader::{Ceiling, Reader};
use super::{Handling, Reason};
use crate::stix::marking::OnwardTransfer;
use crate::stix::{Timestamp, Tlp};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Who receives what is passed on, as the operator declares it.
#[derive(Debug, Clone, Default)]
pub struct Recipient {
    /// ISO 3166-1 alpha-2, as markings name it.
    pub country: Option<String>,
    /// Its STIX identity, and others that are its own.
    pub identities: Vec<String>,
    /// The most restricted level that goes to it.
    pub tlp_max: Option<Tlp>,
    /// The same for what is not our own; GREEN if nothing is said.
    pub tlp_max_of_others: Option<Tlp>,
    /// What it may use what it receives for.
    pub purposes: Vec<String>,
    /// Originators that have consented to their objects going there.
    pub consents: Vec<String>,
}

/// Proof of what may be passed on to one recipient; made by [`forward_scope`] only.
#[derive(Debug)]
pub struct ForwardScope {
    reader: Reader,
    ours: BTreeSet<String>,
    theirs: BTreeSet<String>,
    consents: BTreeSet<String>,
    of_others: Tlp,
}

/// Why an object is not passed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotForwarded {
    /// It is the recipient's own.
    Origin,
    /// A line that every reader must pass.
    Line(Reason),
    /// Somebody else's, and of a higher level than such may have.
    ThirdParty(Tlp, Tlp),
    /// Somebody else's, who wants to be asked.
    OnwardTransfer,
}

impl NotForwarded {
    /// Its code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Origin => "origin",
            Self::Line(reason) => reason.code(),
            Self::ThirdParty(..) => "third_party",
            Self::OnwardTransfer => "onward_transfer",
        }
    }
}

impl fmt::Display for NotForwarded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Origin => write!(f, "it is the recipient's own"),
            Self::Line(reason) => write!(f, "its markings do not let the recipient have it ({reason})"),
            Self::ThirdParty(found, limit) => {
                write!(f, "it is somebody else's and {found}; of others at most {limit} is passed on")
            }
            Self::OnwardTransfer => write!(
                f,
                "its originator must consent before it is passed on (handling code H2, or onward_transfer); with a consent, name the originator in `consents`"
            ),
        }
    }
}

/// What may be passed on to a recipient by us, who speak with these identities.
pub fn forward_scope(ours: &[String], to: &Recipient) -> ForwardScope {
    let tlp = to.tlp_max.unwrap_or(Tlp::Amber);
    let consents = to.consents.iter().map(|originator| (originator.clone(), None));
    let places = [to.country.clone(), to.identities.first().cloned()].map(Option::unwrap_or_default);
    let reader = Reader {
        organisation: to.identities.first().cloned().unwrap_or_default(),
        identity: to.identities.get(1).cloned(),
        places,
        ceiling: Some(Ceiling { tlp, place: "the job's tlp_max" }),
        purposes: to.purposes.iter().cloned().collect(),
        consents: consents.collect::<BTreeMap<_, _>>(),
        ..Reader::default()
    };
    ForwardScope {
        reader,
        ours: ours.iter().cloned().collect(),
        theirs: to.identities.iter().cloned().collect(),
        consents: to.consents.iter().cloned().collect(),
        of_others: to.tlp_max_of_others.unwrap_or(Tlp::Green),
    }
}

impl ForwardScope {
    /// Why an object of this type that says to be made by `creator` is not passed on. Who has made it, and how it is
    /// handled, comes from its own markings.
    pub fn refusal(
        &self,
        (object_type, creator): (&str, Option<&str>),
        handling: &Handling,
        now: Timestamp,
    ) -> Option<NotForwarded> {
        if creator.is_some_and(|creator| self.theirs.contains(creator)) {
            return Some(NotForwarded::Origin);
        }
        if let Some(reason) = self.reader.refusal(handling, now) {
            return Some(NotForwarded::Line(reason));
        }
        // What has no creator is nobody's in particular: it is not ours to give away.
        // Definitions say nothing but how others are to be handled.
        let is_definition = matches!(object_type, "marking-definition" | "extension-definition");
        if creator.is_some_and(|creator| self.ours.contains(creator)) || is_definition {
            return None;
        }
        let level = handling.level(now);
        let has_consent = creator.is_some_and(|creator| self.consents.contains(creator));
        if asks_first(handling) && !has_consent {
            return Some(NotForwarded::OnwardTransfer);
        }
        (level > self.of_others).then_some(NotForwarded::ThirdParty(level, self.of_others))
    }

    /// Is this identity ours?
    pub fn is_ours(&self, identity: &str) -> bool {
        self.ours.contains(identity)
    }
}

/// Does its originator want to be asked before others receive it?
pub fn asks_first(handling: &Handling) -> bool {
    let terms = &handling.terms;
    terms.handling_codes.contains("H2")
        || terms.originator_control
        || terms.onward_transfer.is_some_and(|transfer| transfer != OnwardTransfer::Permitted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Source;
    use crate::stix::marking::Terms;

    const A: &str = "identity--aaaaaaaa-0000-4000-8000-000000000000";
    const B: &str = "identity--bbbbbbbb-0000-4000-8000-000000000000";
    const C: &str = "identity--cccccccc-0000-4000-8000-000000000000";

    fn refusal(creator: Option<&str>, terms: Terms, to: Recipient) -> Option<&'static str> {
        let to = Recipient {
            country: Some("BB".to_owned()),
            identities: vec![B.to_owned()],
            purposes: vec!["cyber-defence".to_owned()],
            ..to
        };
        // As of an object that was received by us: whoever made it, we relay it unless it is ours.
        let relay = creator.filter(|creator| *creator != A).map(|_| A.to_owned());
        let owner = creator.unwrap_or_default().to_owned();
        let handling =
            Handling { owner, relay, source: Source::Own, floor: Tlp::Clear, for_all_purposes: false, terms };
        let scope = forward_scope(&[A.to_owned()], &to);
        let now = Timestamp::parse("2026-11-01T00:00:00Z").unwrap();
        scope.refusal(("indicator", creator), &handling, now).map(NotForwarded::code)
    }

    fn at(tlp: Tlp) -> Terms {
        Terms { tlp: Some(tlp), ..Terms::default() }
    }

    #[test]
    fn ours_goes_up_to_the_ceiling_and_that_of_others_up_to_green() {
        let of = |creator, tlp| refusal(creator, at(tlp), Recipient::default());
        assert_eq!(of(Some(A), Tlp::Amber), None);
        assert_eq!(of(Some(A), Tlp::AmberStrict), Some("tlp_above_ceiling"));
        assert_eq!(of(Some(C), Tlp::Green), None);
        assert_eq!(of(Some(C), Tlp::Amber), Some("third_party"));
        assert_eq!(of(None, Tlp::Amber), Some("third_party"));
        assert_eq!(of(Some(B), Tlp::Clear), Some("origin"));
        let more = Recipient {
            tlp_max: Some(Tlp::AmberStrict),
            tlp_max_of_others: Some(Tlp::AmberStrict),
            ..Recipient::default()
        };
        assert_eq!(refusal(Some(A), at(Tlp::AmberStrict), more.clone()), None);
        // To us it was for us alone, whatever the operator writes.
        assert_eq!(refusal(Some(C), at(Tlp::AmberStrict), more), Some("tlp_not_recipient"));
    }

    #[test]
    fn who_wants_to_be_asked_is_asked_unless_it_is_us() {
        let codes = Terms { handling_codes: ["H2".to_owned()].into(), ..at(Tlp::Green) };
        let transfer = Terms { onward_transfer: Some(OnwardTransfer::OriginatorConsent), ..at(Tlp::Green) };
        for terms in [codes, transfer] {
            assert_eq!(refusal(Some(C), terms.clone(), Recipient::default()), Some("onward_transfer"));
            assert_eq!(refusal(Some(A), terms.clone(), Recipient::default()), None);
            let consents = Recipient { consents: vec![C.to_owned()], ..Recipient::default() };
            assert_eq!(refusal(Some(C), terms, consents), None);
        }
        let permitted = Terms { onward_transfer: Some(OnwardTransfer::Permitted), ..at(Tlp::Green) };
        assert_eq!(refusal(Some(C), permitted, Recipient::default()), None);
        let control = Terms { originator_control: true, ..at(Tlp::Green) };
        assert_eq!(refusal(Some(C), control, Recipient::default()), Some("originator_consent_missing"));
    }

    #[test]
    fn releasability_and_purposes_hold_for_the_recipient() {
        let set = |name: &str| Some([name.to_owned()].into());
        let to = Recipient::default;
        assert_eq!(
            refusal(Some(A), Terms { rel_to: set("CC"), ..at(Tlp::Green) }, to()),
            Some("not_releasable")
        );
        assert_eq!(refusal(Some(A), Terms { rel_to: set("BB"), ..at(Tlp::Green) }, to()), None);
        let purposes = Terms { purposes: set("drug-trafficking"), ..at(Tlp::Green) };
        assert_eq!(refusal(Some(A), purposes, to()), Some("purpose_mismatch"));
        let audiences = Terms { audiences: [["x".to_owned()].into()].into(), ..at(Tlp::Green) };
        assert_eq!(refusal(Some(A), audiences, to()), Some("not_in_audience"));
    }
}
