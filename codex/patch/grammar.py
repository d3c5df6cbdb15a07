"""What a model may write as a patch, in Lark's language: given to the server, which then lets it write nothing else.

The grammar is stricter than the parser: it leaves out what is only forgiven.
"""

PATCH_GRAMMAR = r"""start: begin section+ end
begin: "*** Begin Patch" LF
end: "*** End Patch" LF?

section: add | delete | update
add: "*** Add File: " path LF added+
delete: "*** Delete File: " path LF
update: "*** Update File: " path LF move? change+ bottom?

path: /[^\r\n]+/
move: "*** Move to: " path LF
added: /\+[^\r\n]*/ LF
change: place | line
place: /@@( [^\r\n]+)?/ LF
line: /[-+ ][^\r\n]*/ LF
bottom: "*** End of File" LF

%import common.LF
"""
