// What the page asks of the server.

/** Asks, and returns the answer; an answer that is no success is thrown with the server's own sentence. */
export async function ask(path, options = {}) {
  const { body, ...rest } = options;
  let answer;
  try {
    answer = await fetch(path, {
      ...rest,
      headers: { "X-Audioprior": "1", ...(body === undefined ? {} : { "Content-Type": "application/json" }) },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch {
    throw new Error("The server does not answer; see whether it is running, and try again. Nothing that was sent is lost.");
  }
  const content = await answer.json().catch(() => ({}));
  if (!answer.ok) throw Object.assign(new Error(sentence(content.message, answer.status)), { status: answer.status });
  return content;
}

/** Sends a file; `told` gets the share that has arrived. */
export function send(file, name, told) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", `/api/recordings?name=${encodeURIComponent(name)}`);
    request.setRequestHeader("X-Audioprior", "1");
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.upload.onprogress = (event) => event.lengthComputable && told(event.loaded / event.total);
    request.onerror = () => reject(new Error("The connection was lost while the file was sent; choose it again."));
    request.onload = () => {
      let content = {};
      try {
        content = JSON.parse(request.responseText);
      } catch { /* the status says enough */ }
      if (request.status === 200) resolve(content);
      else reject(new Error(sentence(content.message, request.status)));
    };
    request.send(file);
  });
}

export async function levels(recording, which, job, version, start, end, columns, rows, mel) {
  const query = new URLSearchParams({ start, end, columns, rows, mel, v: version, ...(job ? { job } : {}) });
  const answer = await fetch(`/api/recordings/${recording}/levels/${which}?${query}`);
  if (!answer.ok) throw new Error(sentence((await answer.json().catch(() => ({}))).message, answer.status));
  return new Uint8Array(await answer.arrayBuffer());
}

export function soundAddress(recording, which, job, version) {
  const query = new URLSearchParams({ v: version, ...(job ? { job } : {}) });
  return `/api/recordings/${recording}/sound/${which}?${query}`;
}

/** Follows what is told of a job; the browser asks again by itself when the connection is lost. */
export function follow(job, { event, lost, over }) {
  const source = new EventSource(`/api/jobs/${job}/events`);
  source.onmessage = (message) => event(JSON.parse(message.data));
  source.addEventListener("over", () => {
    source.close();
    over();
  });
  source.onerror = () => {
    lost();
    if (source.readyState === EventSource.CLOSED) setTimeout(over, 1500); // the server refused: ask what became of the job
  };
  return () => source.close();
}

function sentence(message, status) {
  const text = message || `The server answered ${status}; reload the page.`;
  return text[0].toUpperCase() + text.slice(1);
}
