import Figures
import ResultFigures
import Testing

extension Snippets {
  func plot(_ folder: String, to picture: String) throws -> String {
    // Snippet begins.
    let style = try FigureStyle(width: 3.3)
    let look = FigureLook(style: style, range: 0...1, title: "Two networks")
    let names = try Redrawing(of: folder, as: look).write()
    try Redrawing(of: folder, figure: "heatmap", as: look).write(to: picture)
    let page = try writePage(of: folder)
    print(names, page, try readResult(in: folder).figures().map(\.name))
    // Snippet ends.
    return page
  }

  @Test func picturesOfAnyResultAreDrawnAgain() throws {
    let (folder, picture) = ("\(files.path)/plotted", "\(files.path)/picture.pdf")
    _ = try compare(run1, run2, to: folder)
    let before = try bytes(of: "\(folder)/heatmap.png")
    #expect(try plot(folder, to: picture) == "\(folder)/report.html")
    #expect(try bytes(of: "\(folder)/heatmap.png") != before)
    #expect(try bytes(of: picture).starts(with: "%PDF".utf8))
  }
}
