import Foundation
import TestSupport
import Testing

@testable import Support

@Suite struct OwnFolderTests {
  @Test func foldersLoseOnlyFilesOfOurs() throws {
    let home = try TemporaryFolder()
    func path(_ name: String) -> String { "\(home.path)/\(name)" }
    for name in ["ours", "others", "folder/inside"] { try home.write("", to: "f/\(name)") }
    #expect(symlink("../m.npz", path("f/link")) == 0)
    let left = removeFolder(path("f")) { ["ours", "folder", "link"].contains($0) }
    #expect(left == ["folder", "link", "others"])
    #expect(try FileManager.default.contentsOfDirectory(atPath: path("f")).sorted() == left)
    #expect(access(path("f/folder/inside"), F_OK) == 0)
    #expect(symlink("f", path("g")) == 0)
    #expect(removeFolder(path("g")) { _ in true } == [] && access(path("f/others"), F_OK) == 0)
    #expect(keepFolder(path("f"), besides: path("m.npz")) == path("m.npz.kept"))
  }
}
