import ArgumentParser

/// Whether a command also writes its result as a page.
struct ReportOption: ParsableArguments {
  @Flag(
    name: .customLong("report"),
    help: """
      Also write report.html: the result as one page for a browser, which needs no network.
      """)
  var isWanted = false
}
