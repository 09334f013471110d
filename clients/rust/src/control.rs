//! Requests to `/_s2mock`.
use std::{fmt::Display, fmt::Write as _, sync::Arc};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{
    Response, StatusCode,
    body::Incoming,
    client::conn::http1,
    header::{ACCEPT, AUTHORIZATION, CONNECTION, CONTENT_TYPE, HOST, HeaderName, HeaderValue},
};
use hyper_util::rt::TokioIo;
use serde::{Serialize, de::DeserializeOwned};
use tokio::{net::TcpStream, task::JoinHandle};

use crate::error::{Error, Result};

/// Requests for the account of a token; without one, for the first account of the server.
///
/// It has a method for each operation of the API. Each request has a connection of its own, so one
/// `Control` can be used on any runtime.
#[derive(Clone, Debug)]
pub struct Control {
    url: Arc<str>,
    // The host and port of the address.
    authority: Arc<str>,
    token: Option<Arc<str>>,
    control_token: Option<Arc<str>>,
}

impl Control {
    /// Requests to the server at an address, such as `http://127.0.0.1:8080`, with its control token.
    pub fn new(url: &str, control_token: Option<&str>) -> Result<Self> {
        let url = url.trim_end_matches('/');
        let authority = url.strip_prefix("http://").filter(|rest| !rest.contains('/'));
        let Some(authority) = authority.filter(|rest| !rest.is_empty()) else {
            return Err(Error::Usage(format!(
                "{url:?} is no address of s2mock: it must be http://HOST:PORT, without a path"
            )));
        };
        Ok(Self {
            url: url.into(),
            authority: authority.into(),
            token: None,
            control_token: control_token.map(Into::into),
        })
    }

    /// Return the same server, for the account of a token.
    #[must_use]
    pub fn with_token(&self, token: &str) -> Self {
        Self { token: Some(token.into()), ..self.clone() }
    }

    /// Return the same server, without a token.
    #[must_use]
    pub fn without_token(&self) -> Self {
        Self { token: None, ..self.clone() }
    }

    /// The address of the server.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn control_token(&self) -> Option<&str> {
        self.control_token.as_deref()
    }

    pub(crate) fn send(&self, request: Request) -> Sending<'_> {
        Sending { control: self, request }
    }

    async fn open(&self, request: Request, accept: Option<&str>) -> Result<Opened> {
        self.try_to_open(request, accept).await.map_err(|error| self.unreachable(&*error))
    }

    async fn try_to_open(
        &self,
        request: Request,
        accept: Option<&str>,
    ) -> Result<Opened, crate::BoxError> {
        let authority = &*self.authority;
        let has_port = authority.rsplit(':').next().is_some_and(|port| port.parse::<u16>().is_ok());
        let address = if has_port { authority.to_owned() } else { format!("{authority}:80") };
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        let connection = AbortOnDrop(tokio::spawn(async move {
            // What fails here fails the request, too.
            let _ = connection.await;
        }));
        let mut made = hyper::Request::builder()
            .method(request.method)
            .uri(request.target)
            .header(HOST, authority)
            .header(CONNECTION, "close");
        if let Some(accept) = accept {
            made = made.header(ACCEPT, accept);
        }
        if let Some(token) = &self.token {
            made = made.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        if let Some(token) = &self.control_token {
            made = made.header("s2mock-control-token", &**token);
        }
        if request.body.is_some() {
            made = made.header(CONTENT_TYPE, "application/json");
        }
        for (name, value) in request.headers {
            made = made.header(HeaderName::from_static(name), HeaderValue::from_str(&value)?);
        }
        let body = Full::new(Bytes::from(request.body.unwrap_or_default()));
        let response = sender.send_request(made.body(body)?).await?;
        Ok(Opened { response, connection })
    }

    fn unreachable(&self, error: &(dyn std::error::Error + 'static)) -> Error {
        let mut reason = error.to_string();
        let mut source = error.source();
        while let Some(error) = source {
            let _ = write!(reason, ": {error}");
            source = error.source();
        }
        Error::Unreachable { url: self.url.to_string(), reason }
    }
}

/// A request: its method, its path below `/_s2mock` with the query, its headers and its body.
#[derive(Debug)]
pub(crate) struct Request {
    method: &'static str,
    target: String,
    headers: Vec<(&'static str, String)>,
    body: Option<String>,
}

impl Request {
    pub(crate) fn new(method: &'static str, path: &str) -> Self {
        Self { method, target: format!("/_s2mock{path}"), headers: Vec::new(), body: None }
    }

    pub(crate) fn query<T: Display>(mut self, name: &str, value: Option<&T>) -> Self {
        if let Some(value) = value {
            self.target.push(if self.target.contains('?') { '&' } else { '?' });
            self.target.push_str(name);
            self.target.push('=');
            self.target.push_str(&encode(&value.to_string()));
        }
        self
    }

    pub(crate) fn query_all<T: Display>(self, name: &str, values: Option<&Vec<T>>) -> Self {
        values.into_iter().flatten().fold(self, |request, value| request.query(name, Some(value)))
    }

    pub(crate) fn header<T: Display>(mut self, name: &'static str, value: Option<&T>) -> Self {
        self.headers.extend(value.map(|value| (name, value.to_string())));
        self
    }

    pub(crate) fn body<T: Serialize>(mut self, value: &T) -> Self {
        // Types of this crate have no maps with other keys than texts, so this does not fail.
        self.body = Some(serde_json::to_string(value).unwrap_or_default());
        self
    }

    pub(crate) fn body_text(mut self, text: Option<&str>) -> Self {
        self.body = text.map(ToOwned::to_owned);
        self
    }
}

/// Return a text as a part of a path, or of a query.
pub(crate) fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

/// A request that is sent when a form of its response is awaited.
pub(crate) struct Sending<'a> {
    control: &'a Control,
    request: Request,
}

impl Sending<'_> {
    pub(crate) async fn nothing(self) -> Result<()> {
        self.whole(None).await.map(drop)
    }

    pub(crate) async fn text(self, accept: &str) -> Result<String> {
        self.whole(Some(accept)).await
    }

    pub(crate) async fn json<T: DeserializeOwned>(self) -> Result<T> {
        let url = self.control.url.clone();
        parse(&url, &self.whole(Some("application/json")).await?)
    }

    pub(crate) async fn json_or_nothing<T: DeserializeOwned>(self) -> Result<Option<T>> {
        let url = self.control.url.clone();
        let text = self.whole(Some("application/json")).await?;
        if text.is_empty() { Ok(None) } else { parse(&url, &text).map(Some) }
    }

    pub(crate) async fn events(self) -> Result<Events> {
        let control = self.control.clone();
        let opened = control.open(self.request, Some("text/event-stream")).await?;
        if opened.response.status() == StatusCode::OK {
            return Ok(Events { control, opened, rest: Vec::new() });
        }
        let text = control.read(opened).await?;
        Err(Error::Unreachable {
            url: control.url.to_string(),
            reason: format!("it answers {text:?} in place of events"),
        })
    }

    async fn whole(self, accept: Option<&str>) -> Result<String> {
        let opened = self.control.open(self.request, accept).await?;
        self.control.read(opened).await
    }
}

impl Control {
    /// Read a response, and return its text. An error status is an error.
    async fn read(&self, opened: Opened) -> Result<String> {
        let Opened { response, connection: _connection } = opened;
        let status = response.status();
        let body =
            response.into_body().collect().await.map_err(|error| self.unreachable(&error))?;
        let text = String::from_utf8_lossy(&body.to_bytes()).into_owned();
        if status.is_success() { Ok(text) } else { Err(error_of(status, &text)) }
    }
}

fn parse<T: DeserializeOwned>(url: &str, text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|error| Error::Unreachable {
        url: url.to_owned(),
        reason: format!("its answer is not that of this version of s2mock: {error}"),
    })
}

fn error_of(status: StatusCode, text: &str) -> Error {
    #[derive(serde::Deserialize)]
    struct Body {
        code: String,
        message: String,
    }
    let status = status.as_u16();
    match serde_json::from_str::<Body>(text) {
        Ok(Body { message, .. }) if status == 408 => Error::WaitTimeout(message),
        Ok(Body { code, message }) => Error::Refused { status, code, message },
        // Another server than s2mock has answered.
        Err(_) => Error::Refused {
            status,
            code: "other".to_owned(),
            message: format!(
                "the server answered {status}: {}",
                text.chars().take(200).collect::<String>()
            ),
        },
    }
}

#[derive(Debug)]
struct Opened {
    response: Response<Incoming>,
    connection: AbortOnDrop,
}

/// A task that ends with this value, so that a connection ends with its request.
#[derive(Debug)]
struct AbortOnDrop(JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Events that the server sends, until this is dropped.
#[derive(Debug)]
pub struct Events {
    control: Control,
    opened: Opened,
    // The beginning of an event whose end has not arrived.
    rest: Vec<u8>,
}

impl Events {
    /// Return the data of the next event; `None` when the server has ended.
    pub async fn next(&mut self) -> Result<Option<String>> {
        loop {
            while let Some(end) = self.rest.windows(2).position(|pair| pair == b"\n\n") {
                let event = self.rest.drain(..end + 2).collect::<Vec<_>>();
                let event = String::from_utf8_lossy(&event);
                if let Some(data) = event.lines().find_map(|line| line.strip_prefix("data: ")) {
                    return Ok(Some(data.to_owned()));
                }
            }
            match self.opened.response.body_mut().frame().await {
                None => return Ok(None),
                Some(Ok(frame)) => self.rest.extend(frame.data_ref().into_iter().flatten()),
                Some(Err(error)) => return Err(self.control.unreachable(&error)),
            }
        }
    }

    pub(crate) async fn next_json<T: DeserializeOwned>(&mut self) -> Result<Option<T>> {
        let url = self.control.url.clone();
        self.next().await?.map(|data| parse(&url, &data)).transpose()
    }
}
