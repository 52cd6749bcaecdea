import ArgumentParser

/// Whether a command also writes its result as a page.
struct ReportOption: ParsableArguments {
  @Flag(
    name: .customLong("report"),
    help: """
      Also write report.html: the result as one page that opens in a browser without a network.
      """)
  var isWanted = false
}
