//! The port for files.

use domain::{
    call::MethodName,
    catalogue::Verb,
    outcome::{Class, Outcome},
    upload::{Endpoint, FoundPhoto, PhotoVersion, TicketState, UploadAllowance},
};
use hub::ports::{Answer, Clock, Entropy, FileAnswer, FileRequest, FlickrFiles, Signing};

use super::Client;
use crate::{
    answer, file_reads,
    multipart::{Multipart, Unsendable},
    transport::FileUpload,
};

impl<P: Clock + Entropy> Client<P> {
    /// Reads with `method`, once.
    async fn read(&self, signing: &Signing, method: &str, params: &[(&str, &str)]) -> Answer {
        let Ok(method) = method.parse::<MethodName>() else {
            return Answer { outcome: Outcome::new(Class::Permanent, "no name of a method"), result: None };
        };
        let params = params.iter().copied();
        self.rest(&signing.app, Some(&signing.token), &method, params, false, self.deadlines.call).await
    }
}

impl<P: Clock + Entropy> FlickrFiles for Client<P> {
    async fn send_file(&self, signing: &Signing, request: FileRequest) -> FileAnswer {
        let FileRequest { endpoint, fields, name, content_type, bytes, body, deadline } = request;
        let multipart = match Multipart::new(self.ports.random(), &fields, &name, &content_type) {
            Ok(multipart) => multipart,
            Err(unsendable) => return not_sent(unsendable),
        };
        let url = match endpoint {
            Endpoint::Upload => self.hosts.upload(),
            Endpoint::Replace => self.hosts.replace(),
        };
        let signed: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let Signing { app, token, .. } = signing;
        let authorization = self.authorization(app, Some(token), Verb::Post, &url, &signed, &[]);
        let timeouts = self.deadlines.file;
        let upload = FileUpload { url, authorization, multipart, bytes, file: body, deadline, timeouts };
        let file_outcome = self.transport.send_file(upload).await;
        let secrets = [app.key(), app.secret(), token.token(), token.secret()];
        answer::file(file_outcome, endpoint, &secrets, self.ports.now())
    }

    async fn find_photo(&self, signing: &Signing, machine_tag: &str) -> (Outcome, FoundPhoto) {
        let params = file_reads::search_params(machine_tag);
        let Answer { outcome, result } = self.read(signing, "flickr.photos.search", &params).await;
        let found = result.map_or(FoundPhoto::NotKnownYet, |text| file_reads::found_photo(&text, machine_tag));
        (outcome, found)
    }

    async fn check_tickets(&self, signing: &Signing, tickets: &[String]) -> (Outcome, Vec<(String, TicketState)>) {
        let params = [("tickets", &*tickets.join(","))];
        let Answer { outcome, result } = self.read(signing, "flickr.photos.upload.checkTickets", &params).await;
        (outcome, result.map(|text| file_reads::ticket_states(&text)).unwrap_or_default())
    }

    async fn photo_version(&self, signing: &Signing, photo_id: &str) -> (Outcome, Option<PhotoVersion>) {
        let params = [("photo_id", photo_id)];
        let Answer { outcome, result } = self.read(signing, "flickr.photos.getInfo", &params).await;
        (outcome, result.and_then(|text| file_reads::photo_version(&text)))
    }

    async fn upload_allowance(&self, signing: &Signing) -> (Outcome, Option<UploadAllowance>) {
        let Answer { outcome, result } = self.read(signing, "flickr.people.getUploadStatus", &[]).await;
        (outcome, result.and_then(|text| file_reads::upload_allowance(&text)))
    }
}

/// Another boundary helps; nothing else that is wrong with a request passes.
fn not_sent(unsendable: Unsendable) -> FileAnswer {
    let class = if unsendable == Unsendable::Boundary { Class::Transient } else { Class::Permanent };
    FileAnswer { outcome: Outcome::new(class, format!("not sent: {unsendable}")), uploaded: None }
}
