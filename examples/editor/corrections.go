//go:build !js

package editor

// corrections are common misspellings of English words.
var corrections = map[string]string{
	"accomodate": "accommodate", "acheive": "achieve", "accross": "across", "adress": "address",
	"agressive": "aggressive", "alot": "a lot", "apparant": "apparent", "arguement": "argument",
	"becuase": "because", "begining": "beginning", "beleive": "believe", "calender": "calendar",
	"catagory": "category", "collegue": "colleague", "comming": "coming", "commitee": "committee",
	"concious": "conscious", "definately": "definitely", "desparate": "desperate", "diffrent": "different",
	"dissapear": "disappear", "embarass": "embarrass", "enviroment": "environment", "existance": "existence",
	"familar": "familiar", "finaly": "finally", "foriegn": "foreign", "freind": "friend", "goverment": "government",
	"gaurd": "guard", "happend": "happened", "harrass": "harass", "immediatly": "immediately", "independant": "independent",
	"knowlege": "knowledge", "liason": "liaison", "libary": "library", "maintainance": "maintenance", "millenium": "millennium",
	"neccessary": "necessary", "necesary": "necessary", "noticable": "noticeable", "occassion": "occasion", "occured": "occurred",
	"occurence": "occurrence", "persistant": "persistent", "posession": "possession", "prefered": "preferred", "publically": "publicly",
	"recieve": "receive", "recomend": "recommend", "refered": "referred", "relevent": "relevant", "remeber": "remember",
	"resistence": "resistance", "seperate": "separate", "sence": "sense", "succesful": "successful", "supercede": "supersede",
	"suprise": "surprise", "teh": "the", "thier": "their", "tommorow": "tomorrow", "truely": "truly", "unforseen": "unforeseen",
	"untill": "until", "wich": "which", "wierd": "weird", "writting": "writing",
}
