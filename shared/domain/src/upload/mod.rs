//! Photos and videos on their way to Flickr: which files it takes, under which name, with which fields, and what became
//! of them.

mod allowance;
mod answer;
mod awaited;
mod fields;
mod file;
mod lock;
mod new_photo;
mod parts;
mod progress;
mod rules;
mod storage;
mod stored;
mod tags;
mod ticket;

pub use allowance::{MonthlyBytes, UploadAllowance};
pub use answer::{Endpoint, FoundPhoto, PhotoVersion, TicketState, Uploaded, machine_tag};
pub use awaited::{AwaitedTickets, MAX_AWAITED, TicketAnswer, TicketsChange};
pub use fields::{DedupCheck, InvalidField, UploadFields};
pub use file::{
    FileRefused, MAX_FILE_NAME_CHARACTERS, MAX_PHOTO_BYTES, MAX_VIDEO_BYTES, Media, MediaFile, MediaType, Sha256,
};
pub use lock::{LockHolder, UploadLock};
pub use new_photo::named_photos;
pub use parts::{Incomplete, MAX_PARTS_AT_ONCE, MissingPart, MultipartId, PART_BYTES, Part, Parts, StoredPart};
pub use progress::{FileProgress, Ticket};
pub use rules::FileRules;
pub use storage::{BYTES_PER_GIGABYTE, MAX_STORED_BYTES, first_kept_day, most_stored};
pub use stored::{FileSource, Multipart, StoredFile, Upload};
pub use tags::{MAX_TAGS, tag_list};
pub use ticket::{MAX_TICKETS, TICKET_LIFETIME, next_ticket_check};
