//! Sending what may be sent, and telling and keeping how far it is.

use core::time::Duration;

use super::{Context, Phase, Upload};
use crate::checkpoint::Checkpoint;
use crate::error::Error;
use crate::http::Request;
use crate::id::RequestId;
use crate::io::{Event, Output};
use crate::job::{Flight, Job, Status, Task};
use crate::multipart::Multipart;
use crate::progress::Report;
use crate::protocol::{Operation, Signing};
use crate::service::{Call, Calling, Credential, HAS_SESSIONS};
use crate::text::hex;
use crate::time::Timestamp;

impl Upload {
    /// Sends what may be sent, at most `slots` requests; says when to be
    /// called again at the latest.
    pub(crate) fn poll(&mut self, slots: &mut usize, cx: &mut Context<'_>) -> Option<Timestamp> {
        self.verify(cx);
        #[cfg(feature = "sessions")]
        self.ask_token(cx);
        if self.is_active() && self.progress.due().is_some_and(|due| due <= cx.now) {
            self.report(cx);
        }
        while *slots > 0 && self.in_flight() < self.parallel(cx) {
            let Some(index) = self.ready(cx) else { break };
            self.send(index, cx);
            *slots -= 1;
        }
        self.deadline(cx)
    }

    /// Ends what has stood still for too long.
    pub(crate) fn time_out(&mut self, cx: &mut Context<'_>) {
        let pressure = self.pressure;
        while let Some(id) = self.jobs.iter().find_map(|job| {
            let flight = job.flight()?;
            let end = flight.moved + self.timeout(job, cx) * (1 << pressure);
            (end <= cx.now).then_some(flight.id)
        }) {
            cx.out.push(Output::Abort(id));
            self.unanswered(id, Error::timeout(), cx);
        }
        self.mind_access(cx);
        if self.is_active() && self.race_deadline().is_some_and(|at| at <= cx.now) {
            self.end_race(cx);
        }
    }

    /// Requests at once, under the present pressure.
    fn parallel(&self, cx: &Context<'_>) -> usize {
        (cx.config.parallel >> self.pressure).max(1) as usize
    }

    /// How long a request may stand still, or seem to, without pressure.
    fn timeout(&self, job: &Job, cx: &Context<'_>) -> Duration {
        let bytes = match &job.task {
            Task::Operation(Operation::PutObject) => self.object().size,
            Task::Operation(Operation::UploadPart { range, .. }) => range.end - range.start,
            Task::Call(_) | Task::Operation(_) => 0,
        };
        if cx.config.unseen_rate == 0 {
            return cx.config.timeout;
        }
        // An eighth of what the link has carried so far is slow enough.
        let rate = (self.sizer.rate() / 8).max(cx.config.unseen_rate);
        cx.config.timeout + Duration::from_millis(bytes * 1000 / rate)
    }

    /// Has the next stored bytes digested.
    fn verify(&mut self, cx: &mut Context<'_>) {
        let is_early = self.rate(cx).is_none() && cx.config.integrity_rate < u64::MAX;
        let has_more = self.multipart.as_ref().is_some_and(|multipart| !multipart.is_complete());
        if is_early && has_more {
            return; // the link may turn out to be too fast for it
        }
        let id = RequestId(cx.session.next_request);
        if let Some(check) = self.integrity.next(id) {
            cx.session.next_request += 1;
            let (range, algorithm) = (check.range.clone(), check.expected.algorithm());
            cx.out.push(Output::Digest { id, file: self.source(), range, algorithm });
        }
    }

    /// Whether there is a key that can sign the job.
    fn may_send(&self, job: &Job) -> bool {
        match job.task {
            Task::Call(_) => !job.takes_account() || self.access.account.is_some(),
            Task::Operation(_) => self.access.may_send(),
        }
    }

    /// The index of a job that may be sent: a waiting one, else a new part.
    fn ready(&mut self, cx: &mut Context<'_>) -> Option<usize> {
        let is_ready = |job: &Job| job.is_ready(cx.now) && self.may_send(job);
        if let Some(index) = self.jobs.iter().position(is_ready) {
            return Some(index);
        }
        // What waits to be tried again counts, too: while nothing gets through,
        // no part after part is tried for the first time.
        let parts = self.jobs.iter().filter(|job| job.part().is_some()).count();
        let is_full = parts >= self.parallel(cx);
        if is_full || !self.access.may_send() || !matches!(self.phase, Phase::Transferring) {
            return None;
        }
        let multipart = self.multipart.as_mut()?;
        let size = multipart.plan.part_size();
        let (jobs, sizer, limits) = (&self.jobs, &self.sizer, cx.protocol.limits());
        let (adaptive, largest) = (cx.config.part_size.is_none(), cx.config.largest_part);
        let number = multipart.take_next(
            |number| jobs.iter().any(|job| job.part() == Some(number)),
            |plan, next| {
                if adaptive { sizer.advise(plan, next, largest, &limits) } else { plan.part_size() }
            },
        )?;
        let range = multipart.plan.range(number)?;
        let upload_id = multipart.upload_id.clone();
        if multipart.plan.part_size() != size {
            // Before the first part of a new size is stored, the record must
            // know of it: without, its bytes would have no known place.
            self.save(cx);
        }
        self.push(Operation::UploadPart { upload_id, number, range }, cx);
        Some(self.jobs.len() - 1)
    }

    fn send(&mut self, index: usize, cx: &mut Context<'_>) {
        let request = match &self.jobs[index].task {
            Task::Call(call) => Some(self.call_request(call, cx)),
            Task::Operation(operation) => self.operation_request(operation, cx),
        };
        let Some(request) = request else { return };
        if self.jobs[index].takes_account() && cx.manners().one_time {
            self.access.account = None;
        }
        let id = RequestId(cx.session.next_request);
        cx.session.next_request += 1;
        cx.out.push(Output::Send(id, request));
        let generation = self.access.generation;
        let (since, moved) = (cx.now, cx.now);
        self.jobs[index].status =
            Status::InFlight(Flight { id, generation, since, moved, sent: 0 });
    }

    fn call_request(&self, call: &Call, cx: &mut Context<'_>) -> Request {
        let mut nonce = String::new();
        for _ in 0..4 {
            nonce.push_str(&hex(&cx.session.random.bits().to_be_bytes()));
        }
        let region = self.access.target.region.as_deref();
        let nobody = Credential::default();
        let calling = Calling {
            account: self.access.account.as_ref().unwrap_or(&nobody),
            region: region.unwrap_or(&cx.config.region),
            endpoint: cx.config.service_endpoint.as_deref(),
            #[cfg(feature = "single-keys")]
            now: cx.now.shifted(cx.session.clock_offset),
            nonce: &nonce,
            info: &self.info,
            #[cfg(feature = "sessions")]
            cover: self.cover.as_ref().map(|cover| &cover.info),
            #[cfg(feature = "sessions")]
            storage_region: cx.nearest(),
            forwards: cx.config.forwards,
            failures: self.jobs.iter().filter(|job| job.is_call()).map(|job| job.failures).sum(),
        };
        cx.service.request(call, &calling)
    }

    fn operation_request(&self, operation: &Operation, cx: &Context<'_>) -> Option<Request> {
        let credential = self.access.credential.as_ref()?;
        let offset = cx.session.clock_offset;
        let signing = Signing {
            credential,
            target: self.object_target(),
            cname: cx.config.cname,
            signature: cx.config.signature,
            region: &cx.config.region,
            now: cx.now.shifted(offset),
            expires: credential.expires.map(|expires| expires.shifted(offset)),
            file: self.source(),
            info: self.object(),
        };
        Some(cx.protocol.request(operation, &signing))
    }

    fn deadline(&self, cx: &Context<'_>) -> Option<Timestamp> {
        let jobs = self.jobs.iter().filter_map(|job| match &job.status {
            // What is ready already waits for a request to end, not for time.
            Status::Ready { at } => {
                let may_ask = job.takes_account() && cx.manners().one_time;
                ((may_ask || self.may_send(job)) && *at > cx.now).then_some(*at)
            }
            Status::InFlight(flight) => {
                Some(flight.moved + self.timeout(job, cx) * (1 << self.pressure))
            }
        });
        let is_transferring = matches!(self.phase, Phase::Transferring);
        let access = self.access.deadline(is_transferring, cx.config.renewal_timeout);
        let others = access.into_iter().chain(self.progress.due()).chain(self.race_deadline());
        jobs.chain(others.filter(|_| self.is_active())).min()
    }

    pub(super) fn push(&mut self, operation: Operation, cx: &Context<'_>) {
        self.jobs.push(Job::new(Task::Operation(operation), cx.now));
    }

    pub(super) fn begin_progress(&mut self, cx: &mut Context<'_>) {
        let report = self.progress.begin(cx.now, self.sent_bytes());
        self.announce(report, cx);
    }

    pub(super) fn report(&mut self, cx: &mut Context<'_>) {
        if let Some(report) = self.progress.update(cx.now, self.sent_bytes()) {
            self.announce(report, cx);
        }
    }

    pub(super) fn announce(&self, report: Report, cx: &mut Context<'_>) {
        let Report { sent, speed, remaining } = report;
        let total = self.object().size;
        cx.event(Event::Progress { file: self.source(), sent, total, speed, remaining });
    }

    fn sent_bytes(&self) -> u64 {
        let stored = self.multipart.as_ref().map_or(0, Multipart::stored_bytes);
        // What a call carries is no byte of the file.
        let jobs = self.jobs.iter().filter(|job| !job.is_call());
        let flights = jobs.filter_map(|job| job.flight().map(|flight| flight.sent));
        (stored + flights.sum::<u64>()).min(self.object().size)
    }

    /// Bytes per second that were stored by this run, once that can be told.
    pub(super) fn rate(&self, cx: &Context<'_>) -> Option<u64> {
        let stored = self.multipart.as_ref().map_or(0, Multipart::stored_bytes);
        self.progress.rate(cx.now, stored)
    }

    pub(super) fn snapshot(&self) -> Option<Checkpoint> {
        let checkpoint = Checkpoint {
            session: self.media.session.clone(),
            video_id: self.media.video_id.clone(),
            bucket: self.access.target.bucket.clone(),
            key: self.access.target.key.clone(),
            endpoint: self.access.target.endpoint.clone(),
            is_stored: self.is_stored,
            is_cover_stored: HAS_SESSIONS
                && self.cover.as_ref().is_some_and(|cover| cover.is_stored),
            #[cfg(feature = "single-keys")]
            kept: self.key_to_keep(),
            ..Checkpoint::default()
        };
        if HAS_SESSIONS && self.is_stored {
            return Some(checkpoint);
        }
        let multipart = self.multipart.as_ref()?;
        // The record must not vouch for a part that may turn out to be damaged.
        let mut parts = multipart.parts();
        parts.retain(|part| !self.integrity.doubts(part.number));
        Some(Checkpoint {
            upload_id: multipart.upload_id.clone(),
            segments: multipart.plan.segments(),
            parts,
            ..checkpoint
        })
    }

    pub(super) fn save(&mut self, cx: &mut Context<'_>) {
        let Some(checkpoint) = self.snapshot() else { return };
        let stored = self.multipart.as_ref().map_or(0, Multipart::stored_bytes);
        let text = checkpoint.to_text(&self.info, &cx.config.user_id, cx.now, stored);
        cx.out.push(Output::Store { key: self.info.fingerprint.clone(), text });
        self.saved_at = Some(cx.now);
    }

    pub(super) fn erase(&self, cx: &mut Context<'_>) {
        cx.out.push(Output::Erase { key: self.info.fingerprint.clone() });
    }
}
