//! What an answer leads to.

use core::ops::Range;
use core::time::Duration;

use super::{Context, Phase, Purpose, Upload};
use crate::checkpoint::Checkpoint;
use crate::digest::Digest;
use crate::error::{Error, ErrorKind};
use crate::http::Response;
use crate::id::{PartNumber, RequestId};
use crate::integrity::{Check, Verdict};
use crate::job::{Flight, Job, Status, Task};
use crate::multipart::Multipart;
use crate::plan::Strategy;
use crate::protocol::{ListedPart, Operation, Receipt, Reply};
use crate::service::Answering;
#[cfg(feature = "sessions")]
use crate::service::Call;
use crate::time::Timestamp;
use crate::uploader::Config;

/// A record is written at most this often: stores are synchronous, and the
/// service's list of parts is the better record.
const SAVE_EVERY: Duration = Duration::from_secs(1);

impl Upload {
    pub(crate) fn respond(&mut self, id: RequestId, response: &Response, cx: &mut Context<'_>) {
        let Some((job, flight)) = self.land(id) else { return };
        self.heard_at = Some(cx.now);
        let operation = match &job.task {
            Task::Operation(operation) => operation,
            Task::Call(call) => {
                #[cfg(feature = "sessions")]
                if let Call::ProbeRegion(region) = call {
                    return self.won(region, cx);
                }
                let answering = Answering {
                    now: cx.now,
                    #[cfg(feature = "sessions")]
                    metadata: &self.info.metadata,
                    #[cfg(feature = "single-keys")]
                    account: self.access.account.as_ref(),
                    endpoint: cx.config.service_endpoint.as_deref(),
                    forwards: cx.config.forwards,
                };
                return match cx.service.reply(call, response, &answering) {
                    Ok(answer) => self.answered(answer, cx),
                    Err(error) => self.fail(job, &flight, error, cx),
                };
            }
        };
        match cx.protocol.reply(operation, response) {
            // It was under way when another one was told.
            Ok(Reply::Moved { .. }) if self.access.moved.is_some_and(|first| flight.id < first) => {
                self.again(job, cx);
            }
            Ok(Reply::Moved { endpoint, .. })
                if self.access.moved.is_none() && !cx.config.cname =>
            {
                self.go_to(&endpoint, cx);
                self.jobs.insert(0, Job::new(job.task, cx.now));
            }
            Ok(Reply::Moved { refusal, .. }) => self.fail(job, &flight, refusal, cx),
            Ok(reply) => self.succeed(operation, reply, &flight, cx),
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
    pub(crate) fn begin(&mut self, cx: &mut Context<'_>) {
        self.abort_requests(cx);
        self.first_object();
        #[cfg(feature = "sessions")]
        if self.looks_for_parts(cx) {
            return;
        }
        let target = &self.access.target;
        let is_here = |checkpoint: &Checkpoint| {
            checkpoint.bucket == target.bucket && checkpoint.key == target.key
        };
        let is_stored = |it: &mut Checkpoint| it.is_stored && is_here(it);
        if let Some(checkpoint) = self.checkpoint.take_if(is_stored) {
            let is_same = checkpoint.session == self.media.session;
            if let Some(cover) = self.known_cover() {
                cover.is_stored = checkpoint.is_cover_stored && is_same;
            }
            self.integrity.skip();
            return self.next_object(cx);
        }
        let checkpoint = self.checkpoint.take();
        let outdated = checkpoint.is_some() || self.multipart.is_some();
        self.multipart =
            checkpoint.as_ref().filter(|checkpoint| is_here(checkpoint)).and_then(|checkpoint| {
                Multipart::restore(checkpoint, self.object().size, &cx.protocol.limits())
            });
        if self.multipart.is_some() {
            return self.list(Purpose::Resume, cx);
        }
        if outdated {
            self.erase(cx);
        }
        self.begin_anew(cx);
    }

    pub(super) fn begin_anew(&mut self, cx: &mut Context<'_>) {
        match self.strategy(cx) {
            Strategy::Post => self.store(Operation::PostObject, cx),
            Strategy::Put => self.store(Operation::PutObject, cx),
            Strategy::Multipart(_) => {
                self.phase = Phase::Initiating;
                self.push(Operation::InitiateMultipartUpload, cx);
            }
        }
    }

    fn store(&mut self, operation: Operation, cx: &mut Context<'_>) {
        self.phase = Phase::Storing;
        self.push(operation, cx);
        self.begin_progress(cx);
    }

    pub(super) fn strategy(&self, cx: &Context<'_>) -> Strategy {
        let Config { part_size, largest_form, .. } = cx.config;
        Strategy::choose(self.object().size, *part_size, *largest_form, &cx.protocol.limits())
    }

    pub(super) fn list(&mut self, purpose: Purpose, cx: &mut Context<'_>) {
        self.phase = Phase::Listing { purpose, listed: Vec::new() };
        self.list_from(0, cx);
    }

    fn list_from(&mut self, marker: u32, cx: &mut Context<'_>) {
        let Some(multipart) = &self.multipart else { return };
        let upload_id = multipart.upload_id.clone();
        self.push(Operation::ListParts { upload_id, marker }, cx);
    }

    /// Something got through: what had no attempt left gets new ones.
    pub(super) fn note_success(&mut self, cx: &Context<'_>) {
        self.successes += 1;
        for job in &mut self.jobs {
            if let Status::Ready { at } = &mut job.status
                && *at == Timestamp::NEVER
            {
                *at = cx.now;
            }
        }
    }

    fn succeed(
        &mut self,
        operation: &Operation,
        reply: Reply,
        flight: &Flight,
        cx: &mut Context<'_>,
    ) {
        self.note_success(cx);
        if matches!(operation, Operation::UploadPart { .. }) {
            self.access.moved_bytes();
            self.pressure = self.pressure.saturating_sub(1);
        }
        match reply {
            // The caller has taken care of a storage that has moved.
            Reply::Aborted | Reply::Moved { .. } => {}
            Reply::Completed(receipt) => self.completed(&receipt, cx),
            Reply::Found { size, crc64 } => self.found(size, crc64, cx),
            Reply::Initiated { upload_id } => {
                if let Strategy::Multipart(plan) = self.strategy(cx) {
                    self.multipart = Some(Multipart::new(upload_id, plan));
                    self.save(cx);
                    self.transfer(cx);
                }
            }
            Reply::Listed { parts, next } => self.listed(parts, next, cx),
            #[cfg(feature = "sessions")]
            Reply::ListedUploads(uploads) => self.found_uploads(uploads, cx),
            Reply::Stored(receipt) => {
                self.check(PartNumber::FIRST, 0..self.object().size, &receipt, true, cx);
                self.finish_when_verified(cx);
            }
            Reply::Uploaded(receipt) => self.uploaded(operation, receipt, flight, cx),
        }
    }

    /// There is an object. After our own complete call only another size tells
    /// that it is not ours; after a reload, only the same size that it is.
    fn found(&mut self, size: Option<u64>, crc64: Option<u64>, cx: &mut Context<'_>) {
        let is_sent = matches!(self.phase, Phase::Confirming { is_sent: true });
        if self.contradicts(crc64) || size.map_or(!is_sent, |size| size != self.object().size) {
            return self.restart(lost_upload(), cx);
        }
        if !is_sent {
            self.integrity.skip();
        }
        self.finish(cx);
    }

    /// The object is complete; its checksum says whether it is the file.
    fn completed(&mut self, receipt: &Receipt, cx: &mut Context<'_>) {
        if self.contradicts(receipt.crc64) {
            return self.restart(damaged(None), cx);
        }
        self.finish(cx);
    }

    /// Whether the service's checksum of the object is known not to be the file's.
    fn contradicts(&self, crc64: Option<u64>) -> bool {
        let ours = self.integrity.whole(self.object().size);
        matches!((ours, crc64), (Some(ours), Some(theirs)) if ours != theirs)
    }

    /// Has stored bytes compared with the file's.
    fn check(
        &mut self,
        number: PartNumber,
        range: Range<u64>,
        receipt: &Receipt,
        is_sent: bool,
        cx: &Context<'_>,
    ) {
        if cx.config.integrity && range.start < range.end {
            self.integrity.stored(number, range, receipt, is_sent);
        } else {
            self.integrity.skip();
        }
    }

    pub(crate) fn digested(
        &mut self,
        id: RequestId,
        digest: Result<Digest, Error>,
        cx: &mut Context<'_>,
    ) {
        let Some(check) = self.integrity.take(id) else { return };
        let verdict = digest.map(|digest| self.integrity.judge(&check, &digest));
        if !matches!(verdict, Ok(Verdict::Intact))
            && let Some(multipart) = &mut self.multipart
        {
            // The record must not vouch for it.
            multipart.lose(check.number);
        }
        match verdict {
            Err(error) => self.give_up(error, cx),
            Ok(Verdict::Damaged(times)) if times > cx.config.retry.count => {
                let part = self.multipart.as_ref().map(|_| check.number);
                self.give_up(damaged(part), cx);
            }
            Ok(Verdict::Damaged(_)) => self.send_again(check, cx),
            Ok(Verdict::Intact) if matches!(self.phase, Phase::Storing) => {
                self.finish_when_verified(cx);
            }
            Ok(Verdict::Intact) => self.complete_when_stored(cx),
        }
    }

    fn send_again(&mut self, check: Check, cx: &mut Context<'_>) {
        let Some(multipart) = &self.multipart else {
            return self.push(whole_again(cx.config), cx);
        };
        let upload_id = multipart.upload_id.clone();
        let Check { number, range, .. } = check;
        self.push(Operation::UploadPart { upload_id, number, range }, cx);
    }

    fn finish_when_verified(&mut self, cx: &mut Context<'_>) {
        if self.integrity.is_idle() {
            self.finish(cx);
        }
    }

    fn listed(&mut self, parts: Vec<ListedPart>, next: Option<u32>, cx: &mut Context<'_>) {
        let Phase::Listing { purpose, listed } = &mut self.phase else { return };
        listed.extend(parts);
        if let Some(marker) = next {
            return self.list_from(marker, cx);
        }
        let (purpose, listed) = (*purpose, core::mem::take(listed));
        #[cfg(feature = "sessions")]
        if purpose == Purpose::Adopt {
            self.lay_out_as(&listed, cx);
        }
        let is_sent = purpose == Purpose::Etags || purpose == Purpose::Mismatch;
        let Some(multipart) = &mut self.multipart else { return };
        let receipts: Vec<_> = listed.iter().map(receipt_of).collect();
        multipart.reconcile(listed, !is_sent);
        // What an earlier run has stored is compared, too: the file may have
        // changed since, or another page may have written to the same upload.
        for (number, receipt) in receipts {
            let stored = self.multipart.as_ref().filter(|multipart| multipart.has(number));
            if let Some(range) = stored.and_then(|multipart| multipart.plan.range(number))
                && !self.integrity.has(number)
            {
                self.check(number, range, &receipt, is_sent, cx);
            }
        }
        #[cfg(feature = "sessions")]
        if let (Purpose::Adopt, Some(multipart)) = (purpose, &mut self.multipart) {
            // What cannot be compared is not gone on with.
            for part in multipart.parts() {
                let number = part.number;
                if !self.integrity.has(number) && !self.integrity.doubts(number) {
                    multipart.lose(part.number);
                }
            }
        }
        self.save(cx);
        self.transfer(cx);
    }

    pub(super) fn transfer(&mut self, cx: &mut Context<'_>) {
        self.phase = Phase::Transferring;
        self.begin_progress(cx);
        self.complete_when_stored(cx);
    }

    fn uploaded(
        &mut self,
        operation: &Operation,
        receipt: Receipt,
        flight: &Flight,
        cx: &mut Context<'_>,
    ) {
        let Operation::UploadPart { number, range, .. } = operation else { return };
        if receipt != Receipt::default() {
            // Where the browser hides all, the service's list will tell.
            self.check(*number, range.clone(), &receipt, true, cx);
        }
        let Some(multipart) = &mut self.multipart else { return };
        multipart.store(*number, receipt.etag);
        self.sizer.observe(range.end - range.start, cx.now.since(flight.since));
        if self.rate(cx).is_some_and(|rate| rate > cx.config.integrity_rate) {
            self.integrity.give_up();
        }
        if self.saved_at.is_none_or(|at| cx.now.since(at) >= SAVE_EVERY) {
            self.save(cx);
        }
        self.report(cx);
        self.complete_when_stored(cx);
    }

    fn complete_when_stored(&mut self, cx: &mut Context<'_>) {
        let is_ready = matches!(self.phase, Phase::Transferring) && self.integrity.is_idle();
        let multipart = self.multipart.as_ref();
        let Some(multipart) = multipart.filter(|it| is_ready && it.is_complete()) else { return };
        let parts = multipart.parts();
        if u32::try_from(parts.len()) != Ok(multipart.plan.count()) {
            return self.relist(Purpose::Etags, unlisted_parts(), cx);
        }
        let upload_id = multipart.upload_id.clone();
        self.phase = Phase::Completing;
        self.push(Operation::CompleteMultipartUpload { upload_id, parts }, cx);
    }

    /// The object is complete.
    fn finish(&mut self, cx: &mut Context<'_>) {
        if self.multipart.take().is_some() && !cx.manners().commits {
            self.erase(cx);
        }
        let report = self.progress.finish(cx.now);
        self.announce(report, cx);
        self.next_object(cx);
    }
}

/// How a damaged object is sent again: plainly, where that is possible.
fn whole_again(config: &Config) -> Operation {
    if config.largest_form == u64::MAX { Operation::PostObject } else { Operation::PutObject }
}

/// What the storage's list says of a part.
fn receipt_of(listed: &ListedPart) -> (PartNumber, Receipt) {
    let etag = Some(listed.part.etag.clone());
    (listed.part.number, Receipt { etag, crc64: listed.crc64 })
}

fn damaged(part_number: Option<PartNumber>) -> Error {
    Error {
        part_number,
        ..Error::new(
            ErrorKind::Corrupted,
            "InconsistentChecksum",
            "The storage holds other bytes than the file, however often they are sent.",
            "Upload it again.",
        )
    }
}

fn lost_upload() -> Error {
    Error::new(
        ErrorKind::NoSuchUpload,
        "NoSuchUpload",
        "The upload is gone and the object is not the file.",
        "Upload it again.",
    )
}

fn unlisted_parts() -> Error {
    Error::new(
        ErrorKind::PartMismatch,
        "InvalidPart",
        "The storage does not list parts that it accepted.",
        "Upload the file again.",
    )
}
