//! The state machine of one file.
//!
//! Every transition of an upload is in this module: here those that the
//! application asks for, in `access` the right to send, in `answer` what replies
//! and in `failure` what failures lead to, in `send` what goes out. How a request is phrased belongs to [`Protocol`], and
//! whose turn it is to the [`Uploader`](crate::Uploader).

use crate::checkpoint::Checkpoint;
use crate::id::{FileId, RequestId};
use crate::integrity::Integrity;
use crate::io::{Event, FileInfo, Output, Overrides};
use crate::job::{Job, Status};
use crate::multipart::Multipart;
use crate::plan::PartSizer;
use crate::progress::Progress;
use crate::protocol::{ListedPart, Operation, Protocol};
use crate::retry::Random;
use crate::service::{HAS_SESSIONS, Manners, Media, Service};
use crate::time::Timestamp;
use crate::uploader::Config;

mod access;
#[cfg(feature = "sessions")]
mod adopt;
mod answer;
mod failure;
#[cfg(feature = "single-keys")]
mod kept;
mod send;
mod session;

use access::Access;
use session::Cover;

/// All that an upload shares with the others.
pub(crate) struct Context<'a> {
    pub(crate) now: Timestamp,
    pub(crate) config: &'a Config,
    pub(crate) protocol: &'static dyn Protocol,
    pub(crate) service: &'static dyn Service,
    pub(crate) session: &'a mut Session,
    pub(crate) out: &'a mut Vec<Output>,
}

/// What is true for all files of an uploader.
pub(crate) struct Session {
    pub(crate) next_request: u32,
    pub(crate) random: Random,
    /// Milliseconds that the service's clock is ahead of the device's.
    pub(crate) clock_offset: i64,
    pub(crate) online: bool,
    /// The region that won the last race, and when.
    pub(crate) nearest: Option<(String, Timestamp)>,
}

impl Context<'_> {
    /// The nearest region, as far as it was found.
    #[cfg(feature = "sessions")]
    fn nearest(&self) -> Option<&str> {
        let won = self.session.nearest.as_ref();
        let won = won.filter(|(_, at)| self.now.since(*at) < session::NEAREST_FOR);
        won.map(|(region, _)| region).or(self.config.nearest.as_ref()).map(String::as_str)
    }

    /// What the service is like, without what no service of this build is like.
    #[allow(clippy::inline_always)] // in place, what is known of a build leaves out code
    #[inline(always)]
    fn manners(&self) -> Manners {
        let manners = self.service.manners();
        Manners {
            one_time: HAS_SESSIONS && manners.one_time,
            commits: HAS_SESSIONS && manners.commits,
            races: HAS_SESSIONS && manners.races,
            ..manners
        }
    }

    fn event(&mut self, event: Event) {
        self.out.push(Output::Event(event));
    }
}

/// Where a file stands.
#[derive(Clone, Debug)]
enum Phase {
    /// Waits for its turn.
    Queued,
    /// Waits for its checkpoint.
    Loading,
    /// Waits for the first permit, which tells the target.
    Authorizing,
    /// Has a permit, and waits for the files before it.
    Permitted,
    /// Asks for unfinished uploads of another program's.
    #[cfg(feature = "sessions")]
    Finding,
    /// Asks which parts the service has.
    Listing { purpose: Purpose, listed: Vec<ListedPart> },
    /// Asks for an upload id.
    Initiating,
    /// Sends the file in one request.
    Storing,
    /// Sends parts.
    Transferring,
    /// Has the object put together.
    Completing,
    /// Looks whether the upload is gone because the object is complete:
    /// `is_sent` by this run, or before a reload.
    Confirming { is_sent: bool },
    /// Was stopped and may go on.
    Stopped,
    /// Tells the service that all objects are stored.
    Committing,
    /// Has ended.
    Done(Outcome),
}

/// How a file ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Canceled,
    Failed,
    Succeeded,
}

/// Why the service is asked for its parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    /// Another program has stored them.
    #[cfg(feature = "sessions")]
    Adopt,
    /// The browser hid the `ETag`s.
    Etags,
    /// The service refused our part list.
    Mismatch,
    /// A checkpoint is to go on.
    Resume,
}

/// One file.
pub(crate) struct Upload {
    pub(crate) id: FileId,
    info: FileInfo,
    overrides: Overrides,
    phase: Phase,
    jobs: Vec<Job>,
    access: Access,
    media: Media,
    cover: Option<Cover>,
    /// Whether there is no file, but only a region to be found.
    #[cfg(feature = "sessions")]
    pub(crate) prepares: bool,
    /// Whether the file itself is stored, and the service has yet to be told.
    is_stored: bool,
    race_ends: Option<Timestamp>,
    checkpoint: Option<Checkpoint>,
    multipart: Option<Multipart>,
    integrity: Integrity,
    sizer: PartSizer,
    progress: Progress,
    successes: u32,
    restarts: u32,
    relists: u32,
    /// How often the link has asked for less: each halves what is sent at once
    /// and doubles the patience with it.
    pressure: u32,
    pressed_at: Timestamp,
    /// When the service last answered this run.
    heard_at: Option<Timestamp>,
    saved_at: Option<Timestamp>,
    removed: bool,
}

impl Upload {
    pub(crate) fn new(id: FileId, info: FileInfo, overrides: Overrides) -> Self {
        Self {
            id,
            overrides,
            phase: Phase::Queued,
            jobs: Vec::new(),
            access: Access::default(),
            media: Media::default(),
            cover: None,
            #[cfg(feature = "sessions")]
            prepares: false,
            is_stored: false,
            race_ends: None,
            checkpoint: None,
            multipart: None,
            integrity: Integrity::default(),
            sizer: PartSizer::default(),
            progress: Progress::new(info.size),
            successes: 0,
            restarts: 0,
            relists: 0,
            pressure: 0,
            pressed_at: Timestamp::default(),
            heard_at: None,
            saved_at: None,
            removed: false,
            info,
        }
    }

    pub(crate) fn is_queued(&self) -> bool {
        matches!(self.phase, Phase::Queued) && !self.removed
    }

    pub(crate) fn is_active(&self) -> bool {
        !matches!(self.phase, Phase::Queued | Phase::Stopped | Phase::Done(_))
    }

    /// Whether its turn to send is still to come.
    pub(crate) fn is_preparing(&self) -> bool {
        matches!(self.phase, Phase::Loading | Phase::Authorizing | Phase::Permitted)
    }

    pub(crate) fn is_permitted(&self) -> bool {
        matches!(self.phase, Phase::Permitted)
    }

    pub(crate) fn is_removed(&self) -> bool {
        self.removed
    }

    /// Whether requests are left that only clean up.
    pub(crate) fn is_cleaning(&self) -> bool {
        !self.is_active() && !self.jobs.is_empty()
    }

    pub(crate) fn in_flight(&self) -> usize {
        self.jobs.iter().filter(|job| job.flight().is_some()).count()
    }

    // What the application and the driver say.

    /// Queues a file again that failed or was stopped.
    pub(crate) fn rearm(&mut self, cx: &mut Context<'_>) {
        match self.phase {
            Phase::Stopped | Phase::Done(Outcome::Failed) => self.queue(cx),
            _ => {}
        }
    }

    pub(crate) fn resume(&mut self, cx: &mut Context<'_>) {
        if let Phase::Done(Outcome::Canceled) = self.phase {
            // Cancelling has freed what was sent.
            self.first_object();
            self.progress = Progress::new(self.info.size);
            self.queue(cx);
        }
    }

    fn queue(&mut self, cx: &mut Context<'_>) {
        self.phase = Phase::Queued;
        cx.event(Event::Queued { file: self.id });
    }

    /// The file's turn has come.
    pub(crate) fn start(&mut self, cx: &mut Context<'_>) {
        self.phase = Phase::Loading;
        // The last credential stays: cancelling now can still free the parts.
        self.access.begin();
        (self.successes, self.restarts, self.relists) = (0, 0, 0);
        (self.pressure, self.heard_at) = (0, None);
        self.integrity = Integrity::default();
        self.race_ends = None;
        self.rewind();
        #[cfg(feature = "sessions")]
        if self.prepares {
            self.phase = Phase::Authorizing;
            return self.open(cx);
        }
        cx.out.push(Output::Load { file: self.id, key: self.info.fingerprint.clone() });
    }

    pub(crate) fn loaded(&mut self, text: Option<&str>, cx: &mut Context<'_>) {
        if !matches!(self.phase, Phase::Loading) {
            return;
        }
        // What this very run has done is newer than any record of it.
        self.checkpoint = self.snapshot().or_else(|| {
            let life = cx.manners().life;
            Checkpoint::from_text(text?, &self.info, &cx.config.user_id, cx.now, life)
        });
        self.first_object();
        if self.checkpoint.is_none() && text.is_some() {
            self.erase(cx);
        }
        if let Some(checkpoint) = &self.checkpoint {
            let (session, video_id) = (checkpoint.session.clone(), checkpoint.video_id.clone());
            self.media.learn(Media { session, video_id, ..Media::default() });
        }
        self.phase = Phase::Authorizing;
        self.ask(cx);
    }

    /// Ends a running file so that it can go on later.
    pub(crate) fn stop(&mut self, cx: &mut Context<'_>) {
        if !self.is_active() {
            return;
        }
        self.halt(cx);
        self.phase = Phase::Stopped;
        cx.event(Event::Stopped { file: self.id });
    }

    /// Ends a running file and forgets it once nothing is left to clean up.
    pub(crate) fn remove(&mut self, cx: &mut Context<'_>) {
        self.stop(cx);
        self.removed = true;
    }

    /// Gives the file up and frees the service's parts.
    pub(crate) fn cancel(&mut self, cx: &mut Context<'_>) {
        if let Phase::Done(Outcome::Succeeded | Outcome::Canceled) = self.phase {
            return;
        }
        self.abort_all(cx);
        self.erase(cx);
        self.phase = Phase::Done(Outcome::Canceled);
        self.checkpoint = None;
        let multipart = self.multipart.take().filter(|_| self.access.may_send());
        if let Some(Multipart { upload_id, .. }) = multipart {
            self.push(Operation::AbortMultipartUpload { upload_id }, cx);
        }
        cx.event(Event::Canceled { file: self.id });
    }

    /// The network is back.
    pub(crate) fn hurry(&mut self, now: Timestamp) {
        for job in &mut self.jobs {
            if let Status::Ready { at } = &mut job.status {
                *at = now;
            }
        }
    }

    pub(crate) fn sent(&mut self, id: RequestId, sent: u64, cx: &mut Context<'_>) {
        let is_active = self.is_active();
        let flight = self.jobs.iter_mut().find_map(|job| match &mut job.status {
            Status::InFlight(flight) if flight.id == id => Some(flight),
            Status::InFlight(_) | Status::Ready { .. } => None,
        });
        // Of a file that has ended only a request that cleans up can be left.
        let Some(flight) = flight.filter(|_| is_active) else { return };
        flight.sent = flight.sent.max(sent);
        flight.moved = cx.now;
        self.report(cx);
    }
}
