"use strict";
(function () {
  var form = document.querySelector("form.filter");
  if (form) {
    var text = document.getElementById("filter-text");
    var severity = document.getElementById("filter-severity");
    var status = document.getElementById("filter-status");
    var rows = Array.prototype.slice.call(document.querySelectorAll("table.findings tbody"));
    var apply = function () {
      var words = text.value.toLowerCase().split(/\s+/);
      var shown = 0;
      rows.forEach(function (row) {
        var fits = (!severity.value || row.dataset.severity === severity.value) &&
          (!status.value || row.dataset.status === status.value) &&
          words.every(function (word) { return row.dataset.search.indexOf(word) >= 0; });
        row.hidden = !fits;
        shown += fits ? 1 : 0;
      });
      document.getElementById("filter-count").textContent = shown + " of " + rows.length;
    };
    form.addEventListener("input", apply);
    form.addEventListener("submit", function (event) { event.preventDefault(); });
    form.hidden = false;
    apply();
  }
  // A link into a part that is folded opens it.
  var open = function () {
    var target = location.hash && document.getElementById(location.hash.slice(1));
    var fold = target && target.querySelector(":scope > details");
    if (fold) { fold.open = true; }
  };
  window.addEventListener("hashchange", open);
  open();
})();
