import Testing

@testable import CommandSupport

struct BundledFontsTests {
  private let bundle = "/opt/cka-1.0/share/cka/fonts/fonts.conf"

  private func configuration(set: [String] = [], executable: String) -> String? {
    BundledFonts.configuration(
      executable: executable, isSet: set.contains, exists: { $0 == bundle })
  }

  @Test func theConfigurationLiesBesideTheCommand() {
    #expect(configuration(executable: "/opt/cka-1.0/bin/cka") == bundle)
    #expect(configuration(executable: "/usr/bin/cka") == nil)
    #expect(configuration(executable: "") == nil)
  }

  @Test(arguments: ["FONTCONFIG_FILE", "FONTCONFIG_PATH"])
  func whatTheUserChoseStays(name: String) {
    #expect(configuration(set: [name], executable: "/opt/cka-1.0/bin/cka") == nil)
  }
}
