/* Sends the form of the restore page once, as soon as a person sees the page. Without script, or
   where it fails, the button does the same. */
(function () {
  "use strict";
  var form = document.getElementById("restore");
  if (!form) { return; }
  var button = form.querySelector("button");
  var isSent = false;

  function lock() {
    isSent = true;
    button.setAttribute("aria-busy", "true");
    // a disabled button is not sent with the form: only after the browser has read it
    window.setTimeout(function () { button.disabled = true; }, 0);
  }

  form.addEventListener("submit", function (event) {
    if (isSent) { event.preventDefault(); return; }
    lock();
  });

  function sendWhenSeen() {
    if (isSent || document.prerendering || document.visibilityState === "hidden") { return; }
    lock();
    form.submit();
  }

  document.addEventListener("visibilitychange", sendWhenSeen);
  document.addEventListener("prerenderingchange", sendWhenSeen);
  // back from the basket: the page stays as it is, and the button works again
  window.addEventListener("pageshow", function (event) {
    if (event.persisted) {
      isSent = false;
      button.disabled = false;
      button.removeAttribute("aria-busy");
      document.removeEventListener("visibilitychange", sendWhenSeen);
    }
  });
  sendWhenSeen();
}());
