//! The plain page that shows the code to hand over.

use axum::response::{Html, IntoResponse, Response};
use http::{HeaderValue, header};

/// What the page may do: nothing but show itself. It has all other headers of every answer.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";

/// A page that shows `verifier` to the user.
pub(crate) fn code(verifier: &str) -> Response {
    let page = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Flickr is connected</title>\
         <style>body{{font:1.1rem system-ui;max-width:32rem;margin:15vh auto;text-align:center}}\
         code{{font-size:1.6rem;user-select:all}}</style>\
         <h1>Almost done</h1><p>Flickr has agreed. Hand this code over to the application that sent you:</p>\
         <p><code>{}</code></p></html>\n",
        escape(verifier)
    );
    let mut response = Html(page).into_response();
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    response
}

fn escape(text: &str) -> String {
    text.chars().fold(String::new(), |mut escaped, character| {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            plain => escaped.push(plain),
        }
        escaped
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verifier_cannot_become_markup() {
        assert_eq!(
            escape("<script>alert('&\"')</script>"),
            "&lt;script&gt;alert(&#39;&amp;&quot;&#39;)&lt;/script&gt;"
        );
    }
}
