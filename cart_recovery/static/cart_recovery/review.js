/* Tells at once that a photo is too large, and sends the form once. Who sends it all the same is
   stopped once and sends the rest the next time. Without script the shop's server does the same
   after the upload. */
(function () {
  "use strict";
  var form = document.getElementById("review");
  if (!form) { return; }
  var most = Number(form.dataset.maxBytes);
  var isSent = false;

  function note(input) {
    var id = input.id + "-note";
    var shown = document.getElementById(id);
    var isLarge = input.files.length > 0 && input.files[0].size > most;
    if (isLarge && !shown) {
      shown = document.createElement("span");
      shown.id = id;
      shown.className = "cr-error";
      shown.setAttribute("role", "alert");
      shown.textContent = form.dataset.tooLarge;
      input.insertAdjacentElement("afterend", shown);
      input.setAttribute("aria-invalid", "true");
    } else if (!isLarge && shown) {
      shown.remove();
      input.removeAttribute("aria-invalid");
    }
    return isLarge;
  }

  var photos = Array.prototype.slice.call(form.querySelectorAll("input[type=file]"));
  photos.forEach(function (input) {
    input.addEventListener("change", function () { note(input); });
  });

  form.addEventListener("submit", function (event) {
    var large = photos.filter(note);
    if (isSent || large.length) {
      event.preventDefault();
      if (large.length) {
        // it may lie in a part of the page that is folded away
        var folded = large[0].closest("details");
        if (folded) { folded.open = true; }
        large[0].focus();
        large.forEach(function (input) { input.value = ""; });
      }
      return;
    }
    isSent = true;
    form.setAttribute("aria-busy", "true");
  });

  // back by the browser's button: the form can be sent again
  window.addEventListener("pageshow", function () {
    isSent = false;
    form.removeAttribute("aria-busy");
  });
}());
