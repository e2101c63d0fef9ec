//! The right to send: asking for it, taking it, renewing it in time.

use core::time::Duration;

use super::{Context, Phase, Upload};
use crate::error::{Error, ErrorKind};
use crate::id::RequestId;
use crate::io::Event;
use crate::job::{Job, Task};
use crate::service::{Call, Credential, Grant, Permit, Target};
use crate::text::{concat, cut};
use crate::time::Timestamp;

/// Credentials refused in a row, with nothing done in between, before an
/// application that keeps giving bad ones is told so.
const MAX_RENEWALS: u32 = 3;

/// A credential is renewed this long before its end, or a tenth of its life.
const MARGIN: Duration = Duration::from_mins(2);

/// Below this, services accept a clock as it is; and a server that tells a
/// wrong time is not to be followed where there is no need.
pub(super) const MAX_SKEW: Duration = Duration::from_mins(10);

/// The right to send.
#[derive(Debug, Default)]
pub(super) struct Access {
    /// The key to the service, if the application gave one.
    pub(super) account: Option<Credential>,
    /// Without a credential nothing is sent to the storage, whatever the phase.
    pub(super) credential: Option<Credential>,
    /// Whether it is the only one that the service makes for the upload.
    #[cfg(feature = "single-keys")]
    pub(super) is_only_one: bool,
    pub(super) target: Target,
    /// Counts credentials, so that a late refusal of an old one is known.
    pub(super) generation: u32,
    question: Option<Question>,
    /// Credentials refused since something last succeeded.
    refused: u32,
    /// When the credential is to be renewed, while it still works.
    renew_at: Option<Timestamp>,
    /// The first request that went to the endpoint that the storage has named
    /// in place of the target's, if it has.
    pub(super) moved: Option<RequestId>,
}

/// What the application was, or is to be, asked for.
#[derive(Debug)]
pub(super) enum Question {
    /// The first credential.
    Start,
    /// A key for a single call.
    Token,
    /// Another one, since the last is over by this error. One file asks at a
    /// time, so that an answer needs no name; `told` is when.
    Renewal { error: Error, told: Option<Timestamp> },
}

impl Access {
    /// A new run begins. The last credential stays: cancelling now can still
    /// free the parts.
    pub(super) fn begin(&mut self) {
        self.refused = 0;
        self.question = None;
    }

    pub(super) fn may_send(&self) -> bool {
        self.credential.is_some()
    }

    pub(super) fn ask(&mut self, question: Question) {
        self.question = Some(question);
    }

    pub(super) fn is_asking(&self) -> bool {
        self.question.is_some()
    }

    /// Nothing more is asked.
    pub(super) fn hush(&mut self) {
        self.question = None;
    }

    /// A part got through: a renewal that moves no byte counts, since an
    /// application may give ever new targets, each of which begins well.
    pub(super) fn moved_bytes(&mut self) {
        self.refused = 0;
    }

    /// When something is to be done about it: a renewal, or an end of patience.
    pub(super) fn deadline(&self, is_transferring: bool, patience: Duration) -> Option<Timestamp> {
        let over = match &self.question {
            Some(Question::Renewal { told: Some(told), .. }) if self.credential.is_none() => {
                (!patience.is_zero()).then(|| *told + patience)
            }
            _ => None,
        };
        over.or_else(|| self.renew_at.filter(|_| is_transferring && self.question.is_none()))
    }
}

impl Upload {
    /// Whether a credential is welcome.
    pub(crate) fn awaits_credential(&self) -> bool {
        self.access.question.is_some() && self.is_active()
    }

    /// Whether the application was asked to renew the credential.
    pub(crate) fn awaits_renewal(&self) -> bool {
        self.is_active()
            && matches!(self.access.question, Some(Question::Renewal { told: Some(_), .. }))
    }

    pub(crate) fn target(&self) -> &Target {
        &self.access.target
    }

    /// Asks for the first credential.
    pub(super) fn ask(&mut self, cx: &mut Context<'_>) {
        cx.event(Event::Started { file: self.id, video_id: self.media.video_id.clone() });
        #[cfg(feature = "sessions")]
        if cx.manners().one_time {
            return self.open(cx);
        }
        self.access.question = Some(Question::Start);
    }

    /// Asks the application for another credential, if it is to be asked;
    /// says whether.
    pub(crate) fn tell_expiry(&mut self, cx: &mut Context<'_>) -> bool {
        let active = self.is_active();
        let Some(Question::Renewal { error, told: told @ None }) = &mut self.access.question else {
            return false;
        };
        if !active {
            return false;
        }
        *told = Some(cx.now);
        let error = error.clone();
        cx.event(Event::CredentialExpired { file: self.id, error });
        true
    }

    /// The application's answer.
    pub(crate) fn authorize(&mut self, grant: Result<Grant, Error>, cx: &mut Context<'_>) {
        if !self.awaits_credential() {
            return;
        }
        self.access.question = None;
        match grant {
            // Asked in time: what there is still works, and it is asked again.
            Err(_) if self.can_do_without_call() => self.jobs.retain(|job| !job.is_call()),
            Err(error) => self.give_up(error, cx),
            Ok(Grant::Account(account)) => {
                self.access.account = Some(account);
                if !cx.manners().one_time {
                    self.call(cx);
                }
            }
            Ok(Grant::Object(permit)) => self.admit(permit, cx),
        }
    }

    /// Asks the service, once at a time: for another key where there is a
    /// video, for another image where there was one.
    pub(super) fn call(&mut self, cx: &mut Context<'_>) {
        if self.jobs.iter().any(Job::is_call) {
            return;
        }
        #[cfg(feature = "single-keys")]
        if self.goes_on_with_kept_key(cx) {
            return;
        }
        let call = match self.media.handle().cloned().filter(|_| !self.info.is_image) {
            #[cfg(feature = "sessions")]
            Some(session) if matches!(self.phase, Phase::Committing) => {
                Call::CommitUpload { session }
            }
            Some(session) => Call::RefreshUpload { session },
            None => Call::CreateUpload,
        };
        self.jobs.insert(0, Job::new(Task::Call(call), cx.now));
    }

    /// Takes a permit; begins anew when it is for another object.
    pub(super) fn admit(&mut self, permit: Permit, cx: &mut Context<'_>) {
        let Permit { credential, target, cover, media } = permit;
        let first = matches!(self.phase, Phase::Authorizing);
        let target = match (target, &self.checkpoint) {
            (Some(target), _) => self.overridden(target),
            (None, _) if !first => self.access.target.clone(),
            (None, Some(checkpoint)) => checkpoint.target(),
            (None, None) => {
                return self.give_up(
                    Error::misuse(
                        "InvalidUploadAddress",
                        "A new upload needs an upload address, too.",
                        "Give both.",
                    ),
                    cx,
                );
            }
        };
        self.media.learn(media);
        if let Some(known) = self.known_cover() {
            known.target = cover.or(known.target.take());
        }
        let access = &mut self.access;
        let elsewhere =
            (&target.bucket, &target.key) != (&access.target.bucket, &access.target.key);
        let renewal = credential.expires.and_then(|end| renewal_of(cx.now, end));
        access.renew_at = renewal;
        // It cannot be earlier than when the credential was made.
        let clock = cx.now.shifted(cx.session.clock_offset);
        if let Some(issued) = credential.issued.filter(|issued| clock + MAX_SKEW < *issued) {
            cx.session.clock_offset = cx.now.offset_to(issued);
        }
        #[cfg(feature = "single-keys")]
        {
            access.is_only_one = !cx.manners().renews;
            access.renew_at = renewal.filter(|_| !access.is_only_one);
        }
        access.credential = Some(credential);
        access.target = target;
        access.generation += 1;
        access.moved = None;
        self.announce_target(cx);
        if first {
            if elsewhere {
                // The record knows of it, if it is of use.
                self.multipart = None;
            }
            self.phase = Phase::Permitted;
        } else if elsewhere {
            self.begin(cx);
        }
    }

    /// The storage has named the endpoint that the bucket is at.
    pub(super) fn go_to(&mut self, endpoint: &str, cx: &mut Context<'_>) {
        let access = &mut self.access;
        // By the same scheme, unless it names one.
        let scheme = match cut(&access.target.endpoint, b':') {
            Some((scheme, rest)) if rest.starts_with("//") && cut(endpoint, b'/').is_none() => {
                concat(&[scheme, "://"])
            }
            _ => String::new(),
        };
        access.target.endpoint = concat(&[&scheme, endpoint]);
        access.moved = Some(RequestId(cx.session.next_request));
        // What only cleans up is no news.
        if self.is_active() {
            self.announce_target(cx);
        }
    }

    pub(super) fn announce_target(&self, cx: &mut Context<'_>) {
        cx.event(Event::Authorized {
            file: self.id,
            target: self.access.target.clone(),
            media: self.media.clone(),
        });
    }

    /// The application's wishes win over the service's address. The service's
    /// region says nothing of an endpoint that the application chose.
    fn overridden(&self, mut target: Target) -> Target {
        let wishes = &self.overrides;
        if let Some(endpoint) = &wishes.endpoint {
            target.endpoint.clone_from(endpoint);
            target.region = None;
        }
        if let Some(bucket) = &wishes.bucket {
            target.bucket.clone_from(bucket);
        }
        if let Some(key) = &wishes.key {
            target.key.clone_from(key);
        }
        target
    }

    /// The storage refuses the credential. Once for all requests that it has
    /// signed, the service or the application is asked for another.
    pub(super) fn renew(&mut self, error: Error, cx: &mut Context<'_>) {
        self.access.credential = None;
        self.access.refused += 1;
        if self.access.refused > MAX_RENEWALS {
            return self.give_up(error, cx);
        }
        match &mut self.access.question {
            // It was asked in time and did not answer; now the time counts.
            Some(Question::Renewal { told: Some(told), .. }) => *told = cx.now,
            Some(_) => {}
            None => self.ask_renewal(error, cx),
        }
    }

    fn ask_renewal(&mut self, error: Error, cx: &mut Context<'_>) {
        if self.access.account.is_some() || cx.manners().one_time {
            self.call(cx);
        } else {
            self.access.question = Some(Question::Renewal { error, told: None });
        }
    }

    /// The service refuses the account's key.
    pub(super) fn renew_account(&mut self, job: Job, error: Error, cx: &mut Context<'_>) {
        self.access.account = None;
        self.access.refused += 1;
        if self.access.refused > MAX_RENEWALS {
            return self.give_up(error, cx);
        }
        if cx.manners().one_time {
            return self.again(job, cx);
        }
        self.access.question = Some(Question::Renewal { error, told: None });
    }

    /// Does what is due: renews a credential that still works, ends a file
    /// whose application does not answer.
    pub(super) fn mind_access(&mut self, cx: &mut Context<'_>) {
        let is_transferring = matches!(self.phase, Phase::Transferring);
        let deadline = self.access.deadline(is_transferring, cx.config.renewal_timeout);
        if !self.is_active() || deadline.is_none_or(|at| cx.now < at) {
            return;
        }
        if self.access.question.is_some() {
            return self.give_up(unanswered(), cx);
        }
        self.access.renew_at = None;
        // The service makes no second key to an image, but a second image.
        if !self.info.is_image {
            self.ask_renewal(expires_soon(), cx);
        }
    }
}

/// When to renew what is over at `end`; never what lasts too short a time.
fn renewal_of(now: Timestamp, end: Timestamp) -> Option<Timestamp> {
    let life = end.since(now);
    let margin = MARGIN.max(life / 10);
    (margin < life / 2).then(|| now + life.saturating_sub(margin))
}

fn expires_soon() -> Error {
    Error::new(
        ErrorKind::CredentialExpired,
        "UploadTokenExpired",
        "The credential expires soon.",
        "Give a new credential.",
    )
}

fn unanswered() -> Error {
    Error::new(
        ErrorKind::CredentialExpired,
        "UploadTokenExpired",
        "The credential has expired and no other was given in time.",
        "Give one when it is asked for.",
    )
}
