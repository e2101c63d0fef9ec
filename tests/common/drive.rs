//! How the world performs outputs: the driver, the network between device and
//! storage, and the application.

use vodupload::{Body, Event, FileId, Input, Output, Request, RequestId, Response};

use super::content::{DAMAGED, FOREIGN, Piece};
use super::network::{broken, unreadable};
use super::service::{self, Asked};
use super::{Arrival, Call, Fault, Manner, Memory, Sent, Sim, Vendor, ugc, wire};

/// What the headers of a request weigh, where a host counts them.
const HEADERS: u64 = 700;

/// Bytes that a host digests in a millisecond.
const DIGESTED_PER_MS: u64 = 500_000;

/// Where a bucket turns out to be, and where if it was looked for there.
const HOMES: [&str; 2] = ["oss-cn-beijing.aliyuncs.com", "oss-cn-hangzhou.aliyuncs.com"];

impl Sim {
    pub(super) fn perform(&mut self, output: Output) {
        match output {
            Output::Abort(_) => {} // what still arrives of it is dropped on arrival
            Output::Digest { id, file, range, algorithm } => {
                let piece = Piece { file: file.0, range };
                let digest = match self.faults.next(Call::Digest, 0, &mut self.dice) {
                    Some(Fault::Unreadable) => Err(unreadable()),
                    _ => Ok(piece.digest(algorithm)),
                };
                self.digests += 1;
                let delay = 1 + piece.len() / DIGESTED_PER_MS;
                self.after(delay, Arrival::Digest(id, digest));
            }
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
            // Tencent's application gives no key before it is asked for one.
            Event::Started { .. } if self.setup.vendor == Vendor::Tencent => return,
            Event::Started { file, video_id } => (*file, video_id.clone()),
            Event::TokenNeeded { file, .. } => (*file, None),
            Event::CredentialExpired { file, .. } => (*file, self.videos_of.get(file).cloned()),
            Event::Authorized { file, media, .. } => {
                let video = media.video_id.clone();
                self.videos_of.extend(video.map(|video| (*file, video)));
                return;
            }
            _ => return,
        };
        let manner = self.manners.pop_front().unwrap_or(Manner::Good);
        if manner != Manner::Never {
            self.after(self.setup.app_delay, Arrival::Grant(file, manner, video));
        }
    }

    fn send(&mut self, id: RequestId, request: Request) {
        let signed = request.headers.iter().filter(|(name, _)| *name == "authorization");
        self.authorizations.extend(signed.map(|(_, value)| value.clone()));
        let (file, call, number, bytes) = self.described(&request);
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
                // What a host does not see it cannot tell.
                if self.setup.config.unseen_rate == 0 || call == Call::Post {
                    self.count_bytes(id, bytes, duration);
                }
                self.after(duration + latency, Arrival::Deliver(id, request, fault));
            }
        }
    }

    /// Whose request it is, which call, for which part, with how many bytes.
    fn described(&self, request: &Request) -> (FileId, Call, u32, u64) {
        if service::is_for(request) {
            let asked = service::parse(request);
            return (FileId(self.service.file_of(&asked)), asked.call, 0, 0);
        }
        if ugc::is_for(request) {
            let asked = ugc::parse(request);
            return (FileId(self.ugc.file_of(&asked)), asked.call, 0, 0);
        }
        let parsed = wire::parse(request);
        let bytes = parsed.piece.as_ref().map_or(0, Piece::len);
        (FileId(self.cloud.file_of(&parsed.key)), parsed.call, parsed.number, bytes)
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
                let response = self.answer(request, None);
                self.after(1, Arrival::Answer(id, response));
            }
            Arrival::Digest(id, digest) if self.setup.late_answers || self.witness.digests(id) => {
                self.give(Input::Digested(id, digest));
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
            | Arrival::Digest(..)
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
        let mut response = self.answer(request, fault);
        match fault {
            Some(Fault::DropAfter) => return self.after(back, Arrival::Break(id, broken())),
            Some(Fault::Mangle) => response.body.truncate(response.body.len() / 2),
            _ => {}
        }
        self.after(back, Arrival::Answer(id, response));
    }

    /// What service or storage, or whoever is in its place, answers.
    fn answer(&mut self, mut request: Request, fault: Option<Fault>) -> Response {
        if let Some(Fault::Bare(status)) = fault {
            return Response { status, ..Response::default() };
        }
        if service::is_for(&request) {
            return self.serve(&service::parse(&request), fault);
        }
        if ugc::is_for(&request) {
            return self.serve_ugc(&ugc::parse(&request), fault);
        }
        let parsed = wire::parse(&request);
        let parts = self.cloud.uploads.get_mut(&parsed.upload_id).map(|upload| &mut upload.parts);
        let judges = matches!(parsed.call, Call::Complete | Call::List);
        match fault {
            Some(Fault::Corrupt) => damage(&mut request.body),
            Some(Fault::Elsewhere) => {
                self.cloud.home = HOMES.into_iter().find(|home| *home != parsed.host);
            }
            Some(Fault::Expire) => self.cloud.revoke(&parsed.token),
            Some(Fault::FormRefused) if parsed.call == Call::Post => {
                return wire::error(403, "AccessDenied", "");
            }
            Some(Fault::Gone) => {
                self.cloud.uploads.remove(&parsed.upload_id);
            }
            Some(Fault::InvalidPart) if parsed.call == Call::Complete => {
                return wire::error(400, "InvalidPart", "");
            }
            Some(Fault::LosePart) => {
                parts.and_then(std::collections::BTreeMap::pop_last);
            }
            // The answer to HEAD has no body that could give it away, but for
            // its length, which is not this one's.
            Some(Fault::Portal) if parsed.call != Call::Head => return portal(),
            Some(Fault::Refuse) => return wire::error(403, "AccessDenied", ""),
            Some(Fault::Say(status, code)) => return wire::error(status, code, ""),
            Some(Fault::Shrink) if judges => {
                let part = parts.and_then(|parts| parts.values_mut().next());
                if let Some(Piece { range, .. }) = part {
                    range.end -= (range.end - range.start) / 2;
                }
            }
            Some(Fault::Skew) => return wire::skewed(self.now),
            Some(Fault::Swap) if judges => {
                if let Some(part) = parts.and_then(|parts| parts.values_mut().next()) {
                    part.file = FOREIGN;
                }
            }
            Some(Fault::Throttle) => return wire::error(429, "TooManyRequests", ""),
            Some(Fault::Trouble) => return wire::error(500, "InternalError", ""),
            Some(Fault::TroubleIn200) if parsed.call != Call::Head => {
                return wire::error(200, "InternalError", "");
            }
            _ => {}
        }
        let mut response = self.cloud.answer(self.now, &request);
        if fault == Some(Fault::Misjoined) && parsed.call == Call::Complete {
            for (name, value) in &mut response.headers {
                if name.ends_with("-hash-crc64ecma") {
                    *value = "7".into();
                }
            }
        }
        response
    }

    /// What the VOD service answers.
    fn serve(&mut self, asked: &Asked, fault: Option<Fault>) -> Response {
        match fault {
            Some(Fault::Expire) => self.service.revoke(&asked.token),
            Some(Fault::Gone) => self.service.delete(asked),
            Some(Fault::NonceUsed) => return service::error(400, "SignatureNonceUsed"),
            Some(Fault::Portal) => return portal(),
            Some(Fault::Refuse) => return service::error(403, "Forbidden.RAM"),
            Some(Fault::Say(status, code)) => return service::error(status, code),
            Some(Fault::Throttle) => return service::error(400, "Throttling.User"),
            Some(Fault::Trouble) => return service::error(500, "InternalError"),
            Some(Fault::TroubleIn200) => return service::error(200, "ServiceUnAvailable"),
            _ => {}
        }
        if let Err(refusal) = self.service.authenticate(self.now, asked) {
            return refusal;
        }
        let (id, made) = match self.service.media(asked) {
            Ok(made) => made,
            Err(refusal) => return refusal,
        };
        self.mean(FileId(made.file), &made.key);
        let life = self.setup.life;
        let credential = self.issue(life);
        let until = self.setup.tells_expiry.then(|| (life, self.now.saturating_add(life)));
        service::permit(&id, &made, &credential, until, self.setup.endpoint)
    }
}

pub(super) fn portal() -> Response {
    let body = "<html>Please log in</html>".into();
    Response { status: 200, headers: vec![], body }
}

fn damage(body: &mut Body) {
    match body {
        Body::Form { file, size, .. } if *size > 0 => *file = FileId(DAMAGED),
        Body::Slice { file, range } if range.start < range.end => *file = FileId(DAMAGED),
        _ => {}
    }
}
