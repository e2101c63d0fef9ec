//! What a service wants besides an object: to be asked from the nearest region,
//! a key for each call, one object after the other, and to be told at the end.

use core::time::Duration;

use super::access::{MAX_SKEW, Question};
use super::{Context, Outcome, Phase, Upload};
use crate::error::Error;
use crate::id::FileId;
use crate::io::{Event, FileInfo, Output, TokenPurpose};
use crate::job::{Job, Task};
use crate::progress::Progress;
use crate::service::{Answer, Call, Credential, HAS_SESSIONS, Region, Target};
use crate::text::concat;
use crate::time::Timestamp;

/// A race that takes longer has no winner: it is to save time.
const LONGEST_RACE: Duration = Duration::from_secs(3);

/// The nearest region stays the nearest for so long.
pub(super) const NEAREST_FOR: Duration = Duration::from_mins(10);

/// The second object of a media.
#[derive(Debug)]
pub(super) struct Cover {
    pub(super) file: FileId,
    pub(super) info: FileInfo,
    pub(super) target: Option<Target>,
    pub(super) is_stored: bool,
    /// Whether it is what is being sent.
    pub(super) is_current: bool,
}

impl Upload {
    pub(crate) fn add_cover(&mut self, file: FileId, info: FileInfo) {
        self.cover = Some(Cover { file, info, target: None, is_stored: false, is_current: false });
    }

    /// The cover, where a service has any: elsewhere it costs no code.
    pub(super) fn known_cover(&mut self) -> Option<&mut Cover> {
        self.cover.as_mut().filter(|_| HAS_SESSIONS)
    }

    fn current_cover(&self) -> Option<&Cover> {
        self.cover.as_ref().filter(|cover| HAS_SESSIONS && cover.is_current)
    }

    /// The file that is being sent.
    pub(super) fn source(&self) -> FileId {
        self.current_cover().map_or(self.id, |cover| cover.file)
    }

    /// What is known of the file that is being sent.
    pub(super) fn object(&self) -> &FileInfo {
        self.current_cover().map_or(&self.info, |cover| &cover.info)
    }

    /// Where the file that is being sent goes.
    pub(super) fn object_target(&self) -> &Target {
        let cover = self.current_cover().and_then(|cover| cover.target.as_ref());
        cover.unwrap_or(&self.access.target)
    }

    /// A run begins with the file itself, whatever the last one was at.
    pub(super) fn rewind(&mut self) {
        if HAS_SESSIONS && self.is_stored {
            self.progress = Progress::new(self.info.size);
            self.multipart = None;
        }
        if let Some(cover) = self.known_cover() {
            cover.is_current = false;
        }
    }

    /// Another media begins with the file itself, and so does a run.
    pub(super) fn first_object(&mut self) {
        self.rewind();
        self.is_stored = false;
        if let Some(cover) = self.known_cover() {
            cover.is_stored = false;
        }
    }

    /// Begins with the service: by the nearest region, if that is to be found.
    #[cfg(feature = "sessions")]
    pub(super) fn open(&mut self, cx: &mut Context<'_>) {
        let is_known = cx.nearest().is_some();
        let races = cx.manners().races && cx.config.races;
        if races && !is_known && self.media.handle().is_none() {
            self.jobs.push(Job::new(Task::Call(Call::ListRegions), cx.now));
            self.race_ends = Some(cx.now + LONGEST_RACE);
            return;
        }
        self.end_race(cx);
    }

    /// The service has answered.
    pub(super) fn answered(&mut self, answer: Answer, cx: &mut Context<'_>) {
        match answer {
            #[cfg(feature = "sessions")]
            Answer::Committed(media) => {
                self.note_success(cx);
                self.media.learn(media);
                self.announce_target(cx);
                self.done(cx);
            }
            Answer::Permit(permit) => {
                self.note_success(cx);
                if cx.manners().commits {
                    set_clock(&permit.credential, cx);
                }
                self.admit(permit, cx);
            }
            #[cfg(feature = "sessions")]
            Answer::Regions(regions) => self.race(regions, cx),
        }
    }

    #[cfg(feature = "sessions")]
    fn race(&mut self, regions: Vec<Region>, cx: &mut Context<'_>) {
        if regions.len() < 2 {
            return self.end_race(cx);
        }
        for region in regions {
            self.jobs.push(Job::new(Task::Call(Call::ProbeRegion(region)), cx.now));
        }
    }

    /// A region has answered, whatever: it is the nearest.
    #[cfg(feature = "sessions")]
    pub(super) fn won(&mut self, region: &Region, cx: &mut Context<'_>) {
        cx.event(Event::Nearest { file: self.id, region: region.name.clone() });
        cx.session.nearest = Some((region.name.clone(), cx.now));
        self.end_race(cx);
    }

    /// A part of the race has failed, which is no reason to fail.
    pub(super) fn lost(&mut self, cx: &mut Context<'_>) {
        if !self.jobs.iter().any(Job::races) {
            self.end_race(cx);
        }
    }

    /// The race takes too long, is over, or is none.
    pub(super) fn end_race(&mut self, cx: &mut Context<'_>) {
        self.race_ends = None;
        self.access.hush();
        self.jobs.retain(|job| {
            if let (true, Some(flight)) = (job.races(), job.flight()) {
                cx.out.push(Output::Abort(flight.id));
            }
            !job.races()
        });
        #[cfg(feature = "sessions")]
        if self.prepares {
            self.phase = Phase::Done(Outcome::Succeeded);
            return cx.event(Event::Succeeded { file: self.id, is_verified: false });
        }
        self.call(cx);
    }

    /// Asks for a key where a call waits for one of its own.
    #[cfg(feature = "sessions")]
    pub(super) fn ask_token(&mut self, cx: &mut Context<'_>) {
        let is_asked = self.access.account.is_some() || self.access.is_asking();
        if !cx.manners().one_time || is_asked || !self.is_active() {
            return;
        }
        let waiting = self.jobs.iter().find(|job| job.takes_account() && job.is_ready(cx.now));
        let Some(Job { task: Task::Call(call), .. }) = waiting else { return };
        let purpose = match call {
            Call::CommitUpload { .. } => TokenPurpose::Commit,
            Call::CreateUpload => TokenPurpose::Apply,
            Call::ListRegions | Call::ProbeRegion(_) => TokenPurpose::Prepare,
            Call::RefreshUpload { .. } => TokenPurpose::Refresh,
        };
        self.access.ask(Question::Token);
        cx.event(Event::TokenNeeded { file: self.id, purpose });
    }

    /// An object is complete: on to the next, or to the end.
    pub(super) fn next_object(&mut self, cx: &mut Context<'_>) {
        let commits = cx.manners().commits;
        if commits {
            let target = self.object_target().clone();
            cx.event(Event::Stored { file: self.source(), target });
            self.integrity.next_object();
        }
        if let Some(cover) = self.known_cover() {
            cover.is_stored |= cover.is_current;
        }
        let is_next = |cover: &Cover| !cover.is_stored && cover.target.is_some() && commits;
        if !self.is_stored && self.cover.as_ref().is_some_and(is_next) {
            self.store_record(cx);
            if let Some(cover) = self.known_cover() {
                cover.is_current = true;
                self.progress = Progress::new(cover.info.size);
            }
            return self.begin_anew(cx);
        }
        if let Some(cover) = self.known_cover() {
            if let (false, Some(target)) = (cover.is_current, &cover.target) {
                // An earlier run has stored it.
                let target = target.clone();
                cx.event(Event::Stored { file: cover.file, target });
            }
            cover.is_current = false;
        }
        if !commits {
            return self.done(cx);
        }
        self.store_record(cx);
        self.phase = Phase::Committing;
        // A renewal under way is needed no more, and calls are made one at a time.
        self.abort_all(cx);
        self.call(cx);
    }

    /// Notes that the file itself is stored, so that it need not be sent again.
    fn store_record(&mut self, cx: &mut Context<'_>) {
        self.is_stored = true;
        self.save(cx);
    }

    fn done(&mut self, cx: &mut Context<'_>) {
        self.phase = Phase::Done(Outcome::Succeeded);
        if self.is_stored {
            self.erase(cx);
        }
        let is_verified = self.integrity.is_verified();
        cx.event(Event::Succeeded { file: self.id, is_verified });
    }

    pub(super) fn race_deadline(&self) -> Option<Timestamp> {
        self.race_ends.filter(|_| HAS_SESSIONS)
    }
}

/// A key that was made just now tells a clock that is ahead; one that was
/// given may be old.
fn set_clock(credential: &Credential, cx: &mut Context<'_>) {
    let clock = cx.now.shifted(cx.session.clock_offset);
    if let Some(issued) = credential.issued.filter(|issued| clock.since(*issued) > MAX_SKEW) {
        cx.session.clock_offset = cx.now.offset_to(issued);
    }
}

/// A commit is refused whose earlier answer was lost.
pub(super) fn uncertain(error: Error) -> Error {
    const HINT: &str = "An answer was lost before: look whether the media is there.";
    Error { hint: HINT, message: concat(&[&error.message, " ", HINT]), ..error }
}
