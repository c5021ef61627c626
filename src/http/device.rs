//! The listener for devices without certificates: exports by token, and nothing else (export formats §1).

use super::App;
use super::error::Failure;
use super::export::send;
use crate::feed::Refusal;
use crate::registry::Export;
use actix_web::http::header;
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// SHA-256 of a token, in hexadecimal, as the registry has it.
pub fn token_hash(token: &str) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, token.as_bytes());
    digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The same paths as for clients.
pub(super) fn routes(config: &mut ServiceConfig) {
    let at = |path: &str| web::resource(format!("/liaison/v1/export{path}{{slash:/?}}"));
    let get = || web::method(actix_web::http::Method::GET);
    let head = || web::method(actix_web::http::Method::HEAD);
    let refuse = || web::to(|| async { Err::<HttpResponse, _>(Failure::Method("GET, HEAD")) });
    let both = |path: &str| at(path).route(get().to(fetch)).route(head().to(fetch)).default_service(refuse());
    config.service(both("/{name}")).service(both("/{name}/{file}"));
    config.default_service(web::to(|| async { Err::<HttpResponse, _>(Failure::NotFound) }));
}

async fn fetch(app: web::Data<App>, request: HttpRequest) -> Result<HttpResponse, Failure> {
    let directory = app.directory.load_full();
    let name = request.match_info().query("name");
    let export = directory.registry().exports.iter().find(|export| export.id == name);
    let Some(export) = export.filter(|export| is_allowed(export, &request)) else {
        let refusal =
            Refusal { by: None, key: None, what: "wrong_token", place: "/liaison/v1/export".to_owned() };
        app.feed.journal().refused(refusal);
        return Err(Failure::WrongToken);
    };
    let by = format!("{}/device:{}", export.organisation, export.id);
    send(&app, &request, &directory, export, (by, String::new())).await
}

/// `Authorization: Bearer TOKEN`, or `Basic` with any name and the token as password (RFC 6750, RFC 7617).
fn is_allowed(export: &Export, request: &HttpRequest) -> bool {
    let Some(expected) = &export.token_sha256 else { return false };
    let mut values = request.headers().get_all(header::AUTHORIZATION);
    let (Some(value), None) = (values.next(), values.next()) else { return false };
    let Some((scheme, rest)) = value.to_str().ok().and_then(|value| value.split_once(' ')) else {
        return false;
    };
    let token = match scheme.to_ascii_lowercase().as_str() {
        "bearer" => Some(rest.trim().to_owned()),
        "basic" => {
            let plain = STANDARD.decode(rest.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
            plain.and_then(|plain| Some(plain.split_once(':')?.1.to_owned()))
        }
        _ => None,
    };
    // What is compared are hashes: how long that takes tells nothing of a token.
    token.is_some_and(|token| token_hash(&token) == *expected)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_that_of_other_programs() {
        // printf secret | sha256sum
        assert_eq!(token_hash("secret"), "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b");
    }
}
