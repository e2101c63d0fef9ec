//! How the world performs outputs: the driver, the network between device and
//! storage, and the application.

use vodupload::{Event, FileId, Input, Output, Request, RequestId, Response};

use super::cloud::{self, Call, Piece};
use super::network::{broken, unreadable};
use super::{Arrival, Fault, Manner, Memory, Sent, Sim};

/// What the headers of a request weigh, where a host counts them.
const HEADERS: u64 = 700;

impl Sim {
    pub(super) fn perform(&mut self, output: Output) {
        match output {
            Output::Abort(_) => {} // what still arrives of it is dropped on arrival
            Output::Erase { key } => {
                self.storage.remove(&key);
            }
            Output::Event(event) => {
                self.react(&event);
                self.events.push(event);
            }
            Output::Load { file, key } => {
                let text = self.storage.get(&key).cloned();
                let text = match self.memory {
                    Memory::Corrupt => text.map(|text| text.chars().take(60).collect()),
                    Memory::Forgetful => None,
                    Memory::Full | Memory::Good => text,
                };
                let delay = self.dice.below(20);
                self.after(delay, Arrival::Give(Input::Loaded { file, text }));
            }
            Output::Send(id, request) => self.send(id, request),
            Output::Store { key, text } => {
                if self.memory == Memory::Full {
                    self.storage.remove(&key);
                } else {
                    self.storage.insert(key, text);
                }
            }
            Output::Wake(at) => self.wake = Some(at),
        }
    }

    fn react(&mut self, event: &Event) {
        let (file, video) = match event {
            Event::Started { file, video_id } => (*file, video_id.clone()),
            Event::CredentialExpired { file, .. } => (*file, self.videos_of.get(file).cloned()),
            _ => return,
        };
        let manner = self.manners.pop_front().unwrap_or(Manner::Good);
        if manner != Manner::Never {
            self.after(self.setup.app_delay, Arrival::Grant(file, manner, video));
        }
    }

    fn send(&mut self, id: RequestId, request: Request) {
        let parsed = cloud::parse(&request);
        let bytes = parsed.piece.as_ref().map_or(0, Piece::len);
        let file = FileId(self.cloud.file_of(&parsed.key));
        let (call, number) = (parsed.call, parsed.number);
        self.sent.push(Sent { at: self.now, file, call, number, bytes });
        let fault = self.faults.next(call, number, &mut self.dice);
        let latency = self.dice.within(self.setup.latency.clone());
        if self.is_down {
            return self.after(latency.min(5), Arrival::Break(id, broken()));
        }
        let duration = bytes * 1_000 / self.setup.bandwidth;
        match fault {
            Some(Fault::DropBefore) => {
                self.after(duration / 3, Arrival::Moved(id, bytes / 3));
                self.after(duration / 2 + latency, Arrival::Break(id, broken()));
            }
            Some(Fault::Stall) => self.after(duration / 2, Arrival::Moved(id, bytes / 2)),
            Some(Fault::Unreadable) if bytes > 0 => {
                self.after(1, Arrival::Break(id, unreadable()));
            }
            fault => {
                self.count_bytes(id, bytes, duration);
                self.after(duration + latency, Arrival::Deliver(id, request, fault));
            }
        }
    }

    /// A host tells the bytes sent often enough that a slow part is no dead one.
    fn count_bytes(&mut self, id: RequestId, bytes: u64, duration: u64) {
        let timeout = u64::try_from(self.setup.config.timeout.as_millis()).expect("a short one");
        let reports = 1 + duration * 3 / timeout.max(1);
        for report in 1..=reports.min(bytes) {
            let (share, of) = (report, reports + 1);
            self.after(duration * share / of, Arrival::Moved(id, bytes * share / of));
        }
        if self.setup.overcounts {
            self.after(duration, Arrival::Moved(id, bytes + HEADERS));
        }
    }

    pub(super) fn arrive(&mut self, arrival: Arrival) {
        match arrival {
            Arrival::Answer(id, response) if self.is_alive(id) => {
                self.give(Input::Responded(id, response));
            }
            Arrival::Break(id, error) if self.is_alive(id) => self.give(Input::Failed(id, error)),
            Arrival::Dawdle(id, request) => {
                let response = self.cloud.answer(self.now, &request);
                self.after(1, Arrival::Answer(id, response));
            }
            Arrival::Deliver(id, request, fault) if self.is_alive(id) => {
                self.deliver(id, request, fault);
            }
            Arrival::Give(input) => self.give(input),
            Arrival::Grant(file, manner, video) => {
                let input = self.grant(file, manner, video);
                self.give(input);
            }
            Arrival::Moved(id, sent) if self.is_alive(id) => self.give(Input::Progress(id, sent)),
            Arrival::Answer(..)
            | Arrival::Break(..)
            | Arrival::Deliver(..)
            | Arrival::Moved(..) => {}
        }
    }

    fn is_alive(&self, id: RequestId) -> bool {
        self.setup.late_answers || self.witness.is_unanswered(id)
    }

    fn deliver(&mut self, id: RequestId, request: Request, fault: Option<Fault>) {
        let back = self.dice.within(self.setup.latency.clone());
        if fault == Some(Fault::Dawdle) {
            let timeout = u64::try_from(self.setup.config.timeout.as_millis()).expect("short");
            let late = timeout / 2 + self.dice.below(timeout.max(1));
            return self.after(late, Arrival::Dawdle(id, request));
        }
        let mut response = self.answer(&request, fault);
        match fault {
            Some(Fault::DropAfter) => return self.after(back, Arrival::Break(id, broken())),
            Some(Fault::Mangle) => response.body.truncate(response.body.len() / 2),
            _ => {}
        }
        self.after(back, Arrival::Answer(id, response));
    }

    /// What the storage, or whoever is in its place, answers.
    fn answer(&mut self, request: &Request, fault: Option<Fault>) -> Response {
        let parsed = cloud::parse(request);
        let parts = self.cloud.uploads.get_mut(&parsed.upload_id).map(|upload| &mut upload.parts);
        let judges = matches!(parsed.call, Call::Complete | Call::List);
        match fault {
            Some(Fault::Bare(status)) => return Response { status, ..Response::default() },
            Some(Fault::Expire) => self.cloud.revoke(&parsed.token),
            Some(Fault::Gone) => {
                self.cloud.uploads.remove(&parsed.upload_id);
            }
            Some(Fault::InvalidPart) if parsed.call == Call::Complete => {
                return cloud::error(400, "InvalidPart", "");
            }
            Some(Fault::LosePart) => {
                parts.and_then(std::collections::BTreeMap::pop_last);
            }
            // The answer to HEAD has no body that could give it away, but for
            // its length, which is not this one's.
            Some(Fault::Portal) if parsed.call != Call::Head => {
                let body = "<html>Please log in</html>".into();
                return Response { status: 200, headers: vec![], body };
            }
            Some(Fault::Refuse) => return cloud::error(403, "AccessDenied", ""),
            Some(Fault::Shrink) if judges => {
                let part = parts.and_then(|parts| parts.values_mut().next());
                if let Some(Piece { range, .. }) = part {
                    range.end -= (range.end - range.start) / 2;
                }
            }
            Some(Fault::Skew) => return cloud::skewed(self.now),
            Some(Fault::Swap) if judges => {
                if let Some(part) = parts.and_then(|parts| parts.values_mut().next()) {
                    part.file = u32::MAX;
                }
            }
            Some(Fault::Throttle) => return cloud::error(429, "TooManyRequests", ""),
            Some(Fault::Trouble) => return cloud::error(500, "InternalError", ""),
            Some(Fault::TroubleIn200) if parsed.call != Call::Head => {
                return cloud::error(200, "InternalError", "");
            }
            _ => {}
        }
        self.cloud.answer(self.now, request)
    }
}
