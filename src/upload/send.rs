//! Sending what may be sent, and telling and keeping how far it is.

use super::{Context, Phase, Upload};
use crate::checkpoint::Checkpoint;
use crate::error::Error;
use crate::id::RequestId;
use crate::io::{Event, Output};
use crate::job::{Flight, Job, Status};
use crate::multipart::Multipart;
use crate::progress::Report;
use crate::protocol::{Operation, Signing};
use crate::time::Timestamp;

impl Upload {
    /// Sends what may be sent, at most `slots` requests; says when to be
    /// called again at the latest.
    pub(crate) fn poll(&mut self, slots: &mut usize, cx: &mut Context<'_>) -> Option<Timestamp> {
        let parallel = cx.config.parallel as usize;
        while *slots > 0 && self.access.credential.is_some() && self.in_flight() < parallel {
            let Some(index) = self.ready(cx) else { break };
            self.send(index, cx);
            *slots -= 1;
        }
        self.deadline(cx)
    }

    /// Ends the requests that have stood still for too long.
    pub(crate) fn time_out(&mut self, cx: &mut Context<'_>) {
        let timeout = cx.config.timeout;
        while let Some(id) = self.jobs.iter().find_map(|job| {
            let flight = job.flight()?;
            (flight.moved + timeout <= cx.now).then_some(flight.id)
        }) {
            cx.out.push(Output::Abort(id));
            self.unanswered(id, Error::timeout(), cx);
        }
    }

    /// The index of a job that may be sent: a waiting one, else a new part.
    fn ready(&mut self, cx: &mut Context<'_>) -> Option<usize> {
        if let Some(index) = self.jobs.iter().position(|job| job.is_ready(cx.now)) {
            return Some(index);
        }
        // What waits to be tried again counts, too: while nothing gets through,
        // no part after part is tried for the first time.
        let parts = self.jobs.iter().filter(|job| job.part().is_some()).count();
        let is_full = parts >= cx.config.parallel as usize;
        if is_full || !matches!(self.phase, Phase::Transferring) {
            return None;
        }
        let multipart = self.multipart.as_mut()?;
        let size = multipart.plan.part_size();
        let (jobs, sizer, limits) = (&self.jobs, &self.sizer, cx.protocol.limits());
        let adaptive = cx.config.part_size.is_none();
        let number = multipart.take_next(
            |number| jobs.iter().any(|job| job.part() == Some(number)),
            |plan, next| {
                if adaptive { sizer.advise(plan, next, &limits) } else { plan.part_size() }
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
        let Some(credential) = &self.access.credential else { return };
        let signing = Signing {
            credential,
            target: &self.access.target,
            cname: cx.config.cname,
            now: cx.now.shifted(cx.session.clock_offset),
            file: self.id,
            info: &self.info,
        };
        let id = RequestId(cx.session.next_request);
        cx.session.next_request += 1;
        let job = &mut self.jobs[index];
        cx.out.push(Output::Send(id, cx.protocol.request(&job.operation, &signing)));
        let generation = self.access.generation;
        let (since, moved) = (cx.now, cx.now);
        job.status = Status::InFlight(Flight { id, generation, since, moved, sent: 0 });
    }

    fn deadline(&self, cx: &Context<'_>) -> Option<Timestamp> {
        let sendable = self.access.credential.is_some();
        let deadlines = self.jobs.iter().filter_map(|job| match &job.status {
            // What is ready already waits for a request to end, not for time.
            Status::Ready { at } => (sendable && *at > cx.now).then_some(*at),
            Status::InFlight(flight) => Some(flight.moved + cx.config.timeout),
        });
        deadlines.min()
    }

    pub(super) fn push(&mut self, operation: Operation, cx: &Context<'_>) {
        self.jobs.push(Job::new(operation, cx.now));
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
        let total = self.info.size;
        cx.event(Event::Progress { file: self.id, sent, total, speed, remaining });
    }

    fn sent_bytes(&self) -> u64 {
        let stored = self.multipart.as_ref().map_or(0, Multipart::stored_bytes);
        let flights = self.jobs.iter().filter_map(|job| job.flight().map(|flight| flight.sent));
        (stored + flights.sum::<u64>()).min(self.info.size)
    }

    pub(super) fn snapshot(&self) -> Option<Checkpoint> {
        let multipart = self.multipart.as_ref()?;
        Some(Checkpoint {
            video_id: self.video_id.clone(),
            bucket: self.access.target.bucket.clone(),
            key: self.access.target.key.clone(),
            endpoint: self.access.target.endpoint.clone(),
            upload_id: multipart.upload_id.clone(),
            segments: multipart.plan.segments(),
            parts: multipart.parts(),
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
