//! What an answer, or its absence, leads to.

use core::time::Duration;

use super::{Context, Outcome, Phase, Purpose, Upload};
use crate::error::{Error, ErrorKind, Recovery};
use crate::http::Response;
use crate::id::RequestId;
use crate::io::{Event, Output};
use crate::job::{Flight, Job, Status};
use crate::multipart::Multipart;
use crate::plan::Strategy;
use crate::protocol::{ListedPart, Operation, Reply};
use crate::time::Timestamp;

/// Credentials refused in a row, with nothing done in between, before an
/// application that keeps giving bad ones is told so.
const MAX_RENEWALS: u32 = 3;

/// How often an upload begins anew.
const MAX_RESTARTS: u32 = 2;

/// How often an upload asks for the service's parts after a disagreement.
const MAX_RELISTS: u32 = 3;

/// A record is written at most this often: stores are synchronous, and the
/// service's list of parts is the better record.
const SAVE_EVERY: Duration = Duration::from_secs(1);

/// Offline, nothing is tried again sooner: it would fail at once, and for as
/// long as the network is away. Still it is tried, for a host may be wrong.
const OFFLINE_WAIT: Duration = Duration::from_secs(5);

impl Upload {
    pub(crate) fn respond(&mut self, id: RequestId, response: &Response, cx: &mut Context<'_>) {
        let Some((job, flight)) = self.land(id) else { return };
        match cx.protocol.reply(&job.operation, response) {
            Ok(reply) => self.succeed(&job.operation, reply, &flight, cx),
            Err(error) => self.fail(job, &flight, error, cx),
        }
    }

    pub(crate) fn unanswered(&mut self, id: RequestId, error: Error, cx: &mut Context<'_>) {
        if let Some((job, flight)) = self.land(id) {
            self.fail(job, &flight, error, cx);
        }
    }

    /// Takes the job of an ended request out of flight.
    fn land(&mut self, id: RequestId) -> Option<(Job, Flight)> {
        let index =
            self.jobs.iter().position(|job| job.flight().is_some_and(|flight| flight.id == id))?;
        let flight = *self.jobs[index].flight()?;
        Some((self.jobs.remove(index), flight))
    }

    /// A target is known: goes on from the checkpoint if it is of this very
    /// object, else begins.
    pub(super) fn begin(&mut self, cx: &mut Context<'_>) {
        self.abort_requests(cx);
        let checkpoint = self.checkpoint.take();
        let outdated = checkpoint.is_some() || self.multipart.is_some();
        let target = &self.access.target;
        self.multipart = checkpoint
            .as_ref()
            .filter(|checkpoint| checkpoint.bucket == target.bucket && checkpoint.key == target.key)
            .and_then(|checkpoint| {
                Multipart::restore(checkpoint, self.info.size, &cx.protocol.limits())
            });
        if self.multipart.is_some() {
            return self.list(Purpose::Resume, cx);
        }
        if outdated {
            self.erase(cx);
        }
        self.begin_anew(cx);
    }

    fn begin_anew(&mut self, cx: &mut Context<'_>) {
        match self.strategy(cx) {
            Strategy::Put => {
                self.phase = Phase::Storing;
                self.push(Operation::PutObject, cx);
                self.begin_progress(cx);
            }
            Strategy::Multipart(_) => {
                self.phase = Phase::Initiating;
                self.push(Operation::InitiateMultipartUpload, cx);
            }
        }
    }

    fn strategy(&self, cx: &Context<'_>) -> Strategy {
        Strategy::choose(self.info.size, cx.config.part_size, &cx.protocol.limits())
    }

    fn list(&mut self, purpose: Purpose, cx: &mut Context<'_>) {
        self.phase = Phase::Listing { purpose, listed: Vec::new() };
        self.list_from(0, cx);
    }

    fn list_from(&mut self, marker: u32, cx: &mut Context<'_>) {
        let Some(multipart) = &self.multipart else { return };
        let upload_id = multipart.upload_id.clone();
        self.push(Operation::ListParts { upload_id, marker }, cx);
    }

    fn succeed(
        &mut self,
        operation: &Operation,
        reply: Reply,
        flight: &Flight,
        cx: &mut Context<'_>,
    ) {
        self.successes += 1;
        for job in &mut self.jobs {
            if let Status::Ready { at } = &mut job.status
                && *at == Timestamp::NEVER
            {
                *at = cx.now;
            }
        }
        if matches!(operation, Operation::UploadPart { .. }) {
            // A renewal that moves no byte counts: an application may give
            // ever new targets, each of which begins with a success.
            self.access.refused = 0;
        }
        match reply {
            Reply::Aborted => {}
            Reply::Completed | Reply::Stored => self.finish(cx),
            Reply::Found { size } => self.found(size, cx),
            Reply::Initiated { upload_id } => {
                if let Strategy::Multipart(plan) = self.strategy(cx) {
                    self.multipart = Some(Multipart::new(upload_id, plan));
                    self.save(cx);
                    self.transfer(cx);
                }
            }
            Reply::Listed { parts, next } => self.listed(parts, next, cx),
            Reply::Uploaded { etag } => self.uploaded(operation, etag, flight, cx),
        }
    }

    /// There is an object. After our own complete call only another size tells
    /// that it is not ours; after a reload, only the same size that it is.
    fn found(&mut self, size: Option<u64>, cx: &mut Context<'_>) {
        let is_sent = matches!(self.phase, Phase::Confirming { is_sent: true });
        if size.map_or(is_sent, |size| size == self.info.size) {
            self.finish(cx);
        } else {
            self.restart(lost_upload(), cx);
        }
    }

    fn listed(&mut self, parts: Vec<ListedPart>, next: Option<u32>, cx: &mut Context<'_>) {
        let Phase::Listing { purpose, listed } = &mut self.phase else { return };
        listed.extend(parts);
        if let Some(marker) = next {
            return self.list_from(marker, cx);
        }
        let (purpose, listed) = (*purpose, core::mem::take(listed));
        if let Some(multipart) = &mut self.multipart {
            multipart.reconcile(listed, purpose == Purpose::Resume);
        }
        self.save(cx);
        self.transfer(cx);
    }

    fn transfer(&mut self, cx: &mut Context<'_>) {
        self.phase = Phase::Transferring;
        self.begin_progress(cx);
        self.complete_when_stored(cx);
    }

    fn uploaded(
        &mut self,
        operation: &Operation,
        etag: Option<String>,
        flight: &Flight,
        cx: &mut Context<'_>,
    ) {
        let Operation::UploadPart { number, range, .. } = operation else { return };
        let Some(multipart) = &mut self.multipart else { return };
        multipart.store(*number, etag);
        self.sizer.observe(range.end - range.start, cx.now.since(flight.since));
        if self.saved_at.is_none_or(|at| cx.now.since(at) >= SAVE_EVERY) {
            self.save(cx);
        }
        self.report(cx);
        self.complete_when_stored(cx);
    }

    fn complete_when_stored(&mut self, cx: &mut Context<'_>) {
        let Some(multipart) = self.multipart.as_ref().filter(|multipart| multipart.is_complete())
        else {
            return;
        };
        let parts = multipart.parts();
        if u32::try_from(parts.len()) != Ok(multipart.plan.count()) {
            return self.relist(Purpose::Etags, unlisted_parts(), cx);
        }
        let upload_id = multipart.upload_id.clone();
        self.phase = Phase::Completing;
        self.push(Operation::CompleteMultipartUpload { upload_id, parts }, cx);
    }

    fn finish(&mut self, cx: &mut Context<'_>) {
        self.phase = Phase::Done(Outcome::Succeeded);
        if self.multipart.take().is_some() {
            self.erase(cx);
        }
        let report = self.progress.finish(cx.now);
        self.announce(report, cx);
        cx.event(Event::Succeeded { file: self.id });
    }

    /// The one place where a failure is answered.
    fn fail(&mut self, mut job: Job, flight: &Flight, error: Error, cx: &mut Context<'_>) {
        if matches!(job.operation, Operation::AbortMultipartUpload { .. }) {
            // Cleaning up is a courtesy: it is tried, and nobody is told.
            if error.recovery() == Recovery::Retry && job.failures < cx.config.retry.count {
                job.failures += 1;
                self.retry(job, &error, cx);
            }
            return;
        }
        match error.recovery() {
            Recovery::Retry => {
                // All but a refusal for haste may hide that it was done.
                job.in_doubt |= error.kind != ErrorKind::RateLimited;
                // A budget is for a network that is there: offline, nothing counts.
                if cx.session.online {
                    if job.successes != self.successes {
                        (job.successes, job.failures) = (self.successes, 0);
                    }
                    let budget = cx.config.retry.count;
                    if job.failures >= budget {
                        return self.exhausted(job, error, cx);
                    }
                    job.failures += 1;
                }
                self.retry(job, &error, cx);
            }
            Recovery::RenewCredential => {
                job.status = Status::Ready { at: cx.now };
                self.jobs.insert(0, job);
                if flight.generation == self.access.generation && self.access.credential.is_some() {
                    self.renew(error, cx);
                }
            }
            Recovery::CorrectClock(Some(server_time)) if !job.clock_corrected => {
                cx.session.clock_offset = cx.now.offset_to(server_time);
                job.clock_corrected = true;
                job.status = Status::Ready { at: cx.now };
                self.jobs.insert(0, job);
            }
            Recovery::Restart if self.may_be_complete(&job) => {
                let is_sent = matches!(self.phase, Phase::Completing);
                self.phase = Phase::Confirming { is_sent };
                self.push(Operation::HeadObject, cx);
            }
            Recovery::Restart => self.restart(error, cx),
            Recovery::Relist => self.relist(Purpose::Mismatch, error, cx),
            Recovery::CorrectClock(_) | Recovery::GiveUp => self.refused(error, cx),
        }
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
        let has_hope = |other: &Job| {
            let is_fresh = other.successes != self.successes;
            let cleans_up = matches!(other.operation, Operation::AbortMultipartUpload { .. });
            !cleans_up && (is_fresh || other.failures < cx.config.retry.count)
        };
        if !self.jobs.iter().any(has_hope) {
            return self.give_up(error, cx);
        }
        job.status = Status::Ready { at: Timestamp::NEVER };
        self.jobs.push(job);
    }

    fn retry(&mut self, mut job: Job, error: &Error, cx: &mut Context<'_>) {
        let attempt = job.failures.max(1);
        let mut delay = cx.config.retry.delay(error.kind, attempt, &mut cx.session.random);
        if !cx.session.online {
            delay = delay.max(OFFLINE_WAIT);
        }
        job.status = Status::Ready { at: cx.now + delay };
        self.jobs.insert(0, job);
    }

    /// Asks for a credential, once for all requests that the last one signed.
    fn renew(&mut self, error: Error, cx: &mut Context<'_>) {
        self.access.credential = None;
        self.access.refused += 1;
        if self.access.refused > MAX_RENEWALS {
            return self.give_up(error, cx);
        }
        self.access.asked = true;
        cx.event(Event::CredentialExpired { file: self.id, error });
    }

    /// The service will not do it. Some calls can be done without.
    fn refused(&mut self, error: Error, cx: &mut Context<'_>) {
        match &self.phase {
            // Some credentials may not list; our own account must do then.
            Phase::Listing { purpose: Purpose::Resume, .. } => self.transfer(cx),
            Phase::Listing { purpose: Purpose::Etags, .. } => self.give_up(
                Error {
                    status: error.status,
                    request_id: error.request_id,
                    ..Error::new(
                        ErrorKind::Forbidden,
                        "CorsExposeEtag",
                        "The bucket's CORS rule hides the ETag of parts: add ETag to ExposeHeader.",
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

    fn relist(&mut self, purpose: Purpose, error: Error, cx: &mut Context<'_>) {
        self.relists += 1;
        if self.relists > MAX_RELISTS {
            return self.restart(error, cx);
        }
        self.abort_requests(cx);
        self.list(purpose, cx);
    }

    /// Forgets the upload id and begins anew.
    fn restart(&mut self, error: Error, cx: &mut Context<'_>) {
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
        self.abort_requests(cx);
        self.access.asked = false;
        self.save(cx);
    }

    /// Drops all jobs but those that clean up.
    pub(super) fn abort_requests(&mut self, cx: &mut Context<'_>) {
        self.jobs.retain(|job| {
            let keep = matches!(job.operation, Operation::AbortMultipartUpload { .. });
            if let (false, Some(flight)) = (keep, job.flight()) {
                cx.out.push(Output::Abort(flight.id));
            }
            keep
        });
    }
}

fn lost_upload() -> Error {
    Error::new(
        ErrorKind::NoSuchUpload,
        "NoSuchUpload",
        "The upload is gone and the object is not the file. Upload it again.",
    )
}

fn unlisted_parts() -> Error {
    Error::new(
        ErrorKind::PartMismatch,
        "InvalidPart",
        "The storage does not list parts that it accepted. Upload the file again.",
    )
}
