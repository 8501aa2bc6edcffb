//! The kinds of faults, their names, and the calls for which each makes sense.

use crate::request::Endpoint;
use crate::upload::codes;

/// The kinds of faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The page of the throttle in front of Flickr.
    TooManyRequests,
    /// An HTML page of the network in front of Flickr, with this status: the call never reaches Flickr.
    EdgeError(u16),
    /// Code 201 as JSON, whatever format the client asks for.
    UnavailableJson,
    /// A transient error inside the envelope.
    ApiError(i64),
    /// The call takes effect, and its answer is an error with a code that no method has.
    ForeignCode,
    /// The call takes effect, and its answer is in another format than the client asks for.
    ForeignFormat,
    /// The call takes effect, and the first text of its answer begins with a byte that is no UTF-8.
    BadByte,
    /// The call takes effect, and the first text of its answer begins with a control character.
    ControlCharacter,
    TimestampRefused,
    NonceUsed,
    /// The connection is closed before the call takes effect.
    ResetBefore,
    /// The connection is closed after the call has taken effect.
    AcceptThenDrop,
    /// The call takes effect, and its answer is the HTML page of the network in front of Flickr, with this status.
    AcceptThenEdgeError(u16),
    /// The call takes effect, and its answer is a web page with status 200.
    AcceptThenPage,
    /// The call takes effect, and its answer is empty, with status 200.
    AcceptThenNothing,
    /// An error is answered, and the call takes effect later.
    ActAfterError,
    /// The call takes effect, and the body arrives slowly.
    Slow,
    /// The call takes effect, and all of its answer is late.
    Late,
    TokenRevoked,
    KeyExpired,
    UploadError(i64),
    /// The file is read slowly.
    ReadSlowly,
    /// The server stops reading the file for a while.
    Stall,
    /// The connection is closed while the file arrives.
    ResetInBody,
    /// An HTML page of the network in front of Flickr is answered while the file arrives.
    EdgeErrorInBody(u16),
    /// A poll reports the ticket as pending.
    TicketPending,
    /// An upload stores no photo and its ticket fails; or a poll finds the ticket failed.
    TicketFailed,
    /// A poll does not know the ticket.
    TicketInvalid,
    /// An upload stores the photo, and its ticket is lost after some polls.
    TicketLost,
    /// An upload stores the photo, and its ticket stays pending.
    TicketStuck,
    /// The video of an upload cannot be processed.
    VideoFailed,
    /// The video of an upload stays in processing.
    VideoStuck,
}

pub(super) const NAMES: &[(&str, Kind)] = &[
    ("429", Kind::TooManyRequests),
    ("400", Kind::EdgeError(400)),
    ("403", Kind::EdgeError(403)),
    ("404", Kind::EdgeError(404)),
    ("411", Kind::EdgeError(411)),
    ("413", Kind::EdgeError(413)),
    ("500", Kind::EdgeError(500)),
    ("502", Kind::EdgeError(502)),
    ("503", Kind::EdgeError(503)),
    ("504", Kind::EdgeError(504)),
    ("unavailable_json", Kind::UnavailableJson),
    ("api_error_0", Kind::ApiError(0)),
    ("api_error_105", Kind::ApiError(105)),
    ("api_error_106", Kind::ApiError(106)),
    ("api_error_201", Kind::ApiError(201)),
    ("foreign_code", Kind::ForeignCode),
    ("foreign_format", Kind::ForeignFormat),
    ("bad_byte", Kind::BadByte),
    ("control_character", Kind::ControlCharacter),
    ("timestamp_refused", Kind::TimestampRefused),
    ("nonce_used", Kind::NonceUsed),
    ("reset_before", Kind::ResetBefore),
    ("accept_then_drop", Kind::AcceptThenDrop),
    ("accept_then_502", Kind::AcceptThenEdgeError(502)),
    ("accept_then_504", Kind::AcceptThenEdgeError(504)),
    ("accept_then_html", Kind::AcceptThenPage),
    ("accept_then_empty", Kind::AcceptThenNothing),
    ("act_after_error", Kind::ActAfterError),
    ("slow", Kind::Slow),
    ("late", Kind::Late),
    ("token_revoked", Kind::TokenRevoked),
    ("key_expired", Kind::KeyExpired),
    ("upload_error_0", Kind::UploadError(0)),
    ("upload_error_1", Kind::UploadError(1)),
    ("upload_error_2", Kind::UploadError(2)),
    ("upload_error_3", Kind::UploadError(3)),
    ("upload_error_4", Kind::UploadError(4)),
    ("upload_error_5", Kind::UploadError(5)),
    ("upload_error_6", Kind::UploadError(6)),
    ("upload_error_7", Kind::UploadError(7)),
    ("upload_error_8", Kind::UploadError(8)),
    ("upload_error_9", Kind::UploadError(9)),
    ("upload_error_10", Kind::UploadError(10)),
    ("upload_error_11", Kind::UploadError(11)),
    ("upload_error_12", Kind::UploadError(12)),
    ("upload_error_13", Kind::UploadError(13)),
    ("upload_error_14", Kind::UploadError(14)),
    ("upload_error_15", Kind::UploadError(15)),
    ("upload_error_93", Kind::UploadError(93)),
    ("read_slowly", Kind::ReadSlowly),
    ("stall", Kind::Stall),
    ("reset_in_body", Kind::ResetInBody),
    ("413_in_body", Kind::EdgeErrorInBody(413)),
    ("502_in_body", Kind::EdgeErrorInBody(502)),
    ("ticket_pending", Kind::TicketPending),
    ("ticket_failed", Kind::TicketFailed),
    ("ticket_invalid", Kind::TicketInvalid),
    ("ticket_lost", Kind::TicketLost),
    ("ticket_stuck", Kind::TicketStuck),
    ("video_failed", Kind::VideoFailed),
    ("video_stuck", Kind::VideoStuck),
];

pub(crate) fn names() -> Vec<&'static str> {
    NAMES.iter().map(|(name, _)| *name).collect()
}

/// The attributes of a call that faults match on.
pub(crate) struct CallAttributes<'a> {
    pub endpoint: Endpoint,
    pub path: &'a str,
    pub method: Option<&'a str>,
    pub account: Option<&'a str>,
    pub key: Option<&'a str>,
    /// Whether the call is an asynchronous upload or replacement.
    pub returns_ticket: bool,
}

impl Kind {
    /// Whether the fault strikes while a file is read, and so before anything else is known of the call.
    pub(crate) fn strikes_in_body(self) -> bool {
        matches!(self, Self::ReadSlowly | Self::Stall | Self::ResetInBody | Self::EdgeErrorInBody(_))
    }

    /// Whether the fault makes sense for the call.
    pub(super) fn applies_to(self, call: &CallAttributes<'_>) -> bool {
        let is_transfer = call.endpoint.is_transfer();
        let polls = call.method == Some("flickr.photos.upload.checkTickets");
        match self {
            Self::UnavailableJson | Self::ApiError(_) | Self::ForeignCode | Self::ForeignFormat => {
                call.endpoint == Endpoint::Rest || is_transfer
            }
            Self::BadByte | Self::ControlCharacter => call.endpoint == Endpoint::Rest,
            Self::TokenRevoked => call.account.is_some(),
            Self::UploadError(code) => codes::has(call.endpoint, code),
            Self::ReadSlowly | Self::Stall | Self::ResetInBody | Self::EdgeErrorInBody(_) => is_transfer,
            Self::TicketPending | Self::TicketInvalid => polls,
            Self::TicketFailed => polls || call.returns_ticket,
            Self::TicketLost | Self::TicketStuck => call.returns_ticket,
            Self::VideoFailed | Self::VideoStuck => call.endpoint == Endpoint::Upload,
            Self::TooManyRequests
            | Self::EdgeError(_)
            | Self::TimestampRefused
            | Self::NonceUsed
            | Self::ResetBefore
            | Self::AcceptThenDrop
            | Self::AcceptThenEdgeError(_)
            | Self::AcceptThenPage
            | Self::AcceptThenNothing
            | Self::ActAfterError
            | Self::Slow
            | Self::Late
            | Self::KeyExpired => true,
        }
    }
}
