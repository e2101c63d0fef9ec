//! What a failure leads to.

use core::time::Duration;

use super::session::uncertain;
use super::{Context, Outcome, Phase, Purpose, Upload};
use crate::error::{Error, ErrorKind, Recovery};
use crate::io::{Event, Output};
use crate::job::{Flight, Job, Status, Task};
use crate::protocol::Operation;
use crate::time::Timestamp;

/// How often an upload begins anew.
const MAX_RESTARTS: u32 = 2;

/// How often an upload asks for the service's parts after a disagreement.
const MAX_RELISTS: u32 = 3;

/// Offline, nothing is tried again sooner: it would fail at once, and for as
/// long as the network is away. Still it is tried, for a host may be wrong.
const OFFLINE_WAIT: Duration = Duration::from_secs(5);

/// A network that was there is waited for at least so long, however few
/// attempts an application grants: lifts, tunnels and routers take a minute.
const OUTAGE: Duration = Duration::from_mins(2);

/// The most that pressure does: an eighth at once, eight times the patience.
const MAX_PRESSURE: u32 = 3;

impl Upload {
    /// The one place where a failure is answered.
    pub(super) fn fail(
        &mut self,
        mut job: Job,
        flight: &Flight,
        mut error: Error,
        cx: &mut Context<'_>,
    ) {
        error.part_number = job.part();
        if job.cleans_up() {
            // Cleaning up is a courtesy: it is tried, and nobody is told.
            if error.recovery() == Recovery::Retry && job.failures < cx.config.retry.count {
                job.failures += 1;
                self.retry(job, &error, cx);
            }
            return;
        }
        if job.races() {
            return self.lost(cx);
        }
        if self.replaces_form(&mut job, &error, cx) {
            return;
        }
        match error.recovery() {
            Recovery::Retry => {
                // All but a refusal for haste may hide that it was done.
                job.in_doubt |= error.kind != ErrorKind::RateLimited;
                self.press(&error, flight, cx);
                // A budget is for a network that is there: offline, nothing counts.
                if cx.session.online {
                    if job.successes != self.successes {
                        (job.successes, job.failures) = (self.successes, 0);
                    }
                    if job.failures >= cx.config.retry.count && !self.is_outage(&error, cx) {
                        return self.exhausted(job, error, cx);
                    }
                    job.failures += 1;
                }
                self.retry(job, &error, cx);
            }
            Recovery::RenewCredential if job.is_call() => self.renew_account(job, error, cx),
            Recovery::RenewCredential => {
                self.again(job, cx);
                if flight.generation == self.access.generation && self.access.may_send() {
                    self.renew(error, cx);
                }
            }
            Recovery::CorrectClock(Some(server_time)) if !job.clock_corrected => {
                cx.session.clock_offset = cx.now.offset_to(server_time);
                job.clock_corrected = true;
                self.again(job, cx);
            }
            // The credential's successor may tell it.
            Recovery::CorrectClock(None) if !job.clock_corrected => {
                job.clock_corrected = true;
                self.again(job, cx);
                if flight.generation == self.access.generation && self.access.may_send() {
                    self.renew(error, cx);
                }
            }
            // A commit whose answer was lost may have been the end of it.
            Recovery::CreateAnew if !job.commits_again() && self.media.forget() => self.call(cx),
            Recovery::Restart if self.may_be_complete(&job) => {
                let is_sent = matches!(self.phase, Phase::Completing);
                self.phase = Phase::Confirming { is_sent };
                self.push(Operation::HeadObject, cx);
            }
            Recovery::Restart => self.restart(error, cx),
            Recovery::Relist => self.relist(Purpose::Mismatch, error, cx),
            _ if job.is_call() && self.can_do_without_call() => self.do_without(error, cx),
            // What can be done without a key from the service is being done.
            _ if job.commits_again() => self.give_up(uncertain(error), cx),
            _ if job.is_call() => self.give_up(error, cx),
            Recovery::CorrectClock(_) | Recovery::CreateAnew | Recovery::GiveUp => {
                self.refused(error, cx);
            }
        }
    }

    /// Whether a call is a renewal that was tried in time: what there is still
    /// works. At the beginning of a run there may be a key of the last one.
    pub(super) fn can_do_without_call(&self) -> bool {
        let needs_answer = matches!(self.phase, Phase::Authorizing | Phase::Committing);
        self.access.may_send() && !needs_answer
    }

    /// The same job again, at once.
    pub(super) fn again(&mut self, mut job: Job, cx: &Context<'_>) {
        job.status = Status::Ready { at: cx.now };
        self.jobs.insert(0, job);
    }

    /// A form that fails, for whatever reason, is followed by a plain request
    /// where that is possible: its answers say more, and a bucket's CORS rule
    /// may know of `PUT` alone.
    fn replaces_form(&mut self, job: &mut Job, error: &Error, cx: &Context<'_>) -> bool {
        let is_form = matches!(job.task, Task::Operation(Operation::PostObject));
        if !is_form || cx.config.largest_form == u64::MAX {
            return false;
        }
        job.task = Task::Operation(Operation::PutObject);
        let is_final = matches!(error.recovery(), Recovery::GiveUp | Recovery::CorrectClock(None));
        if is_final && error.kind != ErrorKind::FileUnreadable {
            self.jobs.insert(0, Job::new(job.task.clone(), cx.now));
            return true;
        }
        false
    }

    /// A link that stalls, or a service that asks for patience, gets less at
    /// once: once for all requests that were under way together.
    fn press(&mut self, error: &Error, flight: &Flight, cx: &Context<'_>) {
        let asks = matches!(error.kind, ErrorKind::RateLimited | ErrorKind::Timeout);
        if asks && flight.since >= self.pressed_at && self.pressure < MAX_PRESSURE {
            self.pressure += 1;
            self.pressed_at = cx.now;
        }
    }

    /// Whether the network is away, and not yet for too long. An application
    /// that wants no repetition gets none.
    fn is_outage(&self, error: &Error, cx: &Context<'_>) -> bool {
        let since = self.heard_at.map(|at| cx.now.since(at));
        let is_recent = since.is_some_and(|since| since < OUTAGE);
        error.kind.is_transport() && is_recent && cx.config.retry.count > 0
    }

    /// Whether an upload may be gone because it is complete: a reply was lost,
    /// or the page was before it heard one. Then the key has to be the
    /// service's, which is of this file alone; the application's own may hold
    /// an older object.
    fn may_be_complete(&self, job: &Job) -> bool {
        match self.phase {
            Phase::Completing => job.in_doubt,
            Phase::Listing { purpose: Purpose::Resume, .. } => self.overrides.key.is_none(),
            _ => false,
        }
    }

    /// A job has no attempt left. The unluckiest part does not decide for the
    /// file: it waits until another job succeeds, or has none left either.
    fn exhausted(&mut self, mut job: Job, error: Error, cx: &mut Context<'_>) {
        if job.is_call() {
            // All others wait for the key that it was to bring, or need none.
            if self.can_do_without_call() {
                return self.do_without(error, cx);
            }
            return self.give_up(error, cx);
        }
        if !self.has_hope(cx) {
            return self.hopeless(error, cx);
        }
        job.status = Status::Ready { at: Timestamp::NEVER };
        self.jobs.push(job);
    }

    /// Whether a job has an attempt left, whose success would be one for all.
    fn has_hope(&self, cx: &Context<'_>) -> bool {
        self.jobs.iter().any(|job| {
            let is_fresh = job.successes != self.successes;
            !job.cleans_up() && (is_fresh || job.failures < cx.config.retry.count)
        })
    }

    /// A call is given up that nothing depends on, but that others may have
    /// hoped for.
    fn do_without(&mut self, error: Error, cx: &mut Context<'_>) {
        let waits = |job: &Job| matches!(job.status, Status::Ready { at: Timestamp::NEVER });
        if self.jobs.iter().any(waits) && !self.has_hope(cx) {
            self.hopeless(error, cx);
        }
    }

    /// Nothing has an attempt left. A CORS rule that knows no GET or HEAD looks
    /// like a dead network: what can be done without the answer is done so.
    fn hopeless(&mut self, error: Error, cx: &mut Context<'_>) {
        let is_question = match self.phase {
            Phase::Confirming { .. } => true,
            #[cfg(feature = "sessions")]
            Phase::Finding => true,
            Phase::Listing { purpose, .. } => purpose != Purpose::Mismatch,
            _ => false,
        };
        if is_question && error.kind == ErrorKind::Network {
            self.refused(error, cx);
        } else {
            self.give_up(error, cx);
        }
    }

    fn retry(&mut self, mut job: Job, error: &Error, cx: &mut Context<'_>) {
        let attempt = job.failures.max(1);
        let mut delay = cx.config.retry.delay(error.kind, attempt, &mut cx.session.random);
        if !cx.session.online || job.failures > cx.config.retry.count {
            delay = delay.max(OFFLINE_WAIT);
        }
        job.status = Status::Ready { at: cx.now + delay };
        self.jobs.insert(0, job);
    }

    /// The service will not do it. Some calls can be done without.
    fn refused(&mut self, error: Error, cx: &mut Context<'_>) {
        match &self.phase {
            #[cfg(feature = "sessions")]
            Phase::Finding | Phase::Listing { purpose: Purpose::Adopt, .. } => {
                self.multipart = None;
                self.begin_anew(cx);
            }
            // Some credentials may not list; our own account must do then.
            Phase::Listing { purpose: Purpose::Resume, .. } => {
                self.integrity.skip();
                self.transfer(cx);
            }
            Phase::Listing { purpose: Purpose::Etags, .. } => self.give_up(
                Error {
                    status: error.status,
                    request_id: error.request_id,
                    ..Error::new(
                        ErrorKind::Forbidden,
                        "CorsExposeEtag",
                        "The bucket's CORS rule hides the ETag.",
                        "Add ETag to its ExposeHeader.",
                    )
                },
                cx,
            ),
            Phase::Listing { purpose: Purpose::Mismatch, .. } | Phase::Confirming { .. } => {
                self.restart(error, cx);
            }
            _ => self.give_up(error, cx),
        }
    }

    pub(super) fn relist(&mut self, purpose: Purpose, error: Error, cx: &mut Context<'_>) {
        self.relists += 1;
        if self.relists > MAX_RELISTS {
            return self.restart(error, cx);
        }
        self.abort_requests(cx);
        self.list(purpose, cx);
    }

    /// Forgets the upload id and begins anew.
    pub(super) fn restart(&mut self, error: Error, cx: &mut Context<'_>) {
        self.restarts += 1;
        if self.restarts > MAX_RESTARTS {
            return self.give_up(error, cx);
        }
        self.abort_requests(cx);
        self.multipart = None;
        self.relists = 0;
        self.erase(cx);
        self.begin_anew(cx);
    }

    pub(super) fn give_up(&mut self, error: Error, cx: &mut Context<'_>) {
        self.halt(cx);
        self.phase = Phase::Done(Outcome::Failed);
        cx.event(Event::Failed { file: self.id, error });
    }

    /// Ends all requests and keeps the record of what is stored.
    pub(super) fn halt(&mut self, cx: &mut Context<'_>) {
        // Before the checks end that are to vouch for parts: the next run knows
        // nothing of them.
        self.save(cx);
        if let Some(multipart) = &mut self.multipart {
            multipart.lose_if(|number| self.integrity.doubts(number));
        }
        self.abort_all(cx);
    }

    /// Drops all jobs but those that clean up.
    pub(super) fn abort_all(&mut self, cx: &mut Context<'_>) {
        self.access.hush();
        self.abort(Job::cleans_up, cx);
    }

    /// Drops the requests to the storage: they are of an upload that was.
    pub(super) fn abort_requests(&mut self, cx: &mut Context<'_>) {
        self.abort(|job| job.cleans_up() || job.is_call(), cx);
    }

    fn abort(&mut self, keeps: impl Fn(&Job) -> bool, cx: &mut Context<'_>) {
        self.jobs.retain(|job| {
            if let (false, Some(flight)) = (keeps(job), job.flight()) {
                cx.out.push(Output::Abort(flight.id));
            }
            keeps(job)
        });
        cx.out.extend(self.integrity.end().map(Output::Abort));
    }
}
