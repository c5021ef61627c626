//! A poller: collects pages in one of the ways that clients do.

use crate::dice::Dice;
use crate::hub::Member;
use crate::publisher::hash;
use crate::wire::{Client, Outcome, Page};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How a client goes on after a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// By `next` while there is more, then by the date in the header.
    Next,
    /// Always by the date in the header.
    Date,
    /// By `next`, then by the date cut to milliseconds, as one widely used client does.
    Cut,
}

/// An object as received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) id: String,
    pub(crate) version: String,
    pub(crate) hash: u64,
    /// Position in `pages`.
    pub(crate) page: usize,
}

/// What a page's headers said.
#[derive(Debug, Clone)]
pub(crate) struct Mark {
    pub(crate) first: String,
    pub(crate) last: String,
}

pub(crate) struct Poller {
    pub(crate) member: Member,
    pub(crate) style: Style,
    /// All versions, or the last of each object.
    pub(crate) all: bool,
    /// Page sizes to choose from while objects come in.
    pub(crate) limits: (u64, u64),
    client: Client,
    dice: Dice,
    /// As sent; for [`Style::Cut`] with fewer digits than the header had.
    added_after: Option<String>,
    next: Option<String>,
    last: Option<String>,
    pub(crate) seen: Vec<Seen>,
    pub(crate) pages: Vec<Mark>,
    pub(crate) lost_answers: usize,
}

impl Poller {
    pub(crate) fn new(
        member: &Member,
        client: Client,
        style: Style,
        all: bool,
        limits: (u64, u64),
        dice: Dice,
    ) -> Self {
        Self {
            member: member.clone(),
            style,
            all,
            limits,
            client,
            dice,
            added_after: None,
            next: None,
            last: None,
            seen: Vec::new(),
            pages: Vec::new(),
            lost_answers: 0,
        }
    }

    /// Polls until told that nothing more will come, and then to the end.
    pub(crate) async fn work(mut self, stop: &AtomicBool) -> Self {
        loop {
            let last_round = stop.load(Ordering::Relaxed);
            self.round(if last_round { (1_000, 1_000) } else { self.limits }, (!last_round).then_some(stop))
                .await;
            if last_round {
                return self;
            }
            tokio::time::sleep(Duration::from_millis(self.dice.range(1, 60))).await;
        }
    }

    /// Everything there is now; how many objects that were.
    pub(crate) async fn drain(&mut self) -> usize {
        let before = self.seen.len();
        self.round(self.limits, None).await;
        self.seen.len() - before
    }

    /// Pages until there is no more, or until the flag says to go on with larger ones.
    async fn round(&mut self, limits: (u64, u64), stop: Option<&AtomicBool>) {
        loop {
            let limit = self.dice.range(limits.0, limits.1);
            let page = self.page(limit).await;
            let more = page.more;
            self.take(page, limit);
            if !more || stop.is_some_and(|stop| stop.load(Ordering::Relaxed)) {
                return;
            }
        }
    }

    async fn page(&mut self, limit: u64) -> Page {
        let mut query = vec![("limit", limit.to_string())];
        if self.all {
            query.push(("match[version]", "all".to_owned()));
        }
        query.extend(self.added_after.iter().map(|date| ("added_after", date.clone())));
        query.extend(self.next.iter().map(|next| ("next", next.clone())));
        for _ in 0..1_200 {
            match self.client.page(&query).await {
                Outcome::Answer(page) => return page,
                Outcome::Later(_) | Outcome::Lost => self.lost_answers += 1,
                Outcome::Absent => unreachable!(),
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("no answer to {query:?}")
    }

    /// Checks what every page must be, and keeps it.
    fn take(&mut self, page: Page, limit: u64) {
        let who = format!("{}/{} {:?}", self.member.org, self.member.name, self.style);
        assert!(
            page.objects.len() as u64 <= limit,
            "{who}: {} objects for limit {limit}",
            page.objects.len()
        );
        assert!(
            !page.more || page.next.is_some() && !page.objects.is_empty(),
            "{who}: `more` without next or without objects"
        );
        assert_eq!(page.first.is_some(), !page.objects.is_empty(), "{who}: headers do not go with objects");
        if let (Some(first), Some(last)) = (page.first, page.last) {
            self.mark(&who, first, last, page.objects.len());
            self.seen.extend(page.objects.iter().map(|object| seen(object.get(), self.pages.len() - 1)));
        }
        self.next = page.next.filter(|_| page.more && self.style != Style::Date);
        if self.next.is_none() {
            let cut = |date: &String| {
                if self.style == Style::Cut { format!("{}Z", &date[..23]) } else { date.clone() }
            };
            self.added_after = self.last.as_ref().map(cut);
        }
    }

    fn mark(&mut self, who: &str, first: String, last: String, count: usize) {
        assert!(first.len() == 27 && last.len() == 27, "{who}: {first} {last} have not six digits");
        assert!(
            if count == 1 { first == last } else { first < last },
            "{who}: {count} objects from {first} to {last}"
        );
        // A date that was cut lets objects come again that came after it in the same millisecond.
        let after = match &self.next {
            None => self
                .added_after
                .as_ref()
                .map(|date| if date.len() == 24 { format!("{}000Z", &date[..23]) } else { date.clone() }),
            Some(_) => self.last.clone(),
        };
        assert!(after.as_ref().is_none_or(|after| *after < first), "{who}: after {after:?} comes {first}");
        self.last = Some(last.clone());
        self.pages.push(Mark { first, last });
    }
}

fn seen(text: &str, page: usize) -> Seen {
    #[derive(serde::Deserialize)]
    struct Named {
        id: String,
        modified: Option<String>,
    }
    let named: Named = serde_json::from_str(text).unwrap();
    Seen {
        id: named.id,
        version: named.modified.unwrap_or_else(|| "1970-01-01T00:00:00.000Z".to_owned()),
        hash: hash(text),
        page,
    }
}
